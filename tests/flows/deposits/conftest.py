"""Real chains with the odd contracts on them, and a shop that sells on them; one of each for a whole file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.oddities import Oddities
from tests.flows.databases import NewDatabase
from tests.flows.realshop import RealShop, network_table, open_real_shop


@pytest.fixture(scope="module")
def chain() -> Iterator[DevChain]:
    """Ethereum's stand-in with automine, for the tests of one file."""
    with DevChain.start("evm") as running:
        yield running


@pytest.fixture(scope="module")
def odd(chain: DevChain) -> Oddities:
    """The contracts that misbehave, on that chain."""
    return Oddities(chain)


@pytest.fixture(scope="module")
def shop(
    chain: DevChain, odd: Oddities, tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> Iterator[RealShop]:
    """A shop that lists ETH, USDT and ODD; a payment is final in the second block."""
    folder: Path = tmp_path_factory.mktemp("shop")
    table = network_table(chain, assets={"ODD": {"contract": odd.place("OddToken"), "decimals": 6}})
    with open_real_shop(folder, new_database(), {"evm": chain}, {"evm": table}) as opened:
        yield opened
