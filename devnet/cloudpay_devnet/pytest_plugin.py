"""pytest fixtures for chain plugins: real nodes, started once per session or fresh per test.

The session's chains mine a block for each transaction (automine) and are shared by all tests of a process:
use addresses of your own, look at differences rather than heights, and take a fresh `anvil` or `start_chain`
for a reorganisation, a changed mining mode or a stopped node.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from cloudpay_devnet.anvil import AnvilNode
    from cloudpay_devnet.chain import DevChain
    from cloudpay_devnet.networks import NetworkSpec
    from cloudpay_devnet.tron.network import TronChain
    from cloudpay_devnet.tron.node import TronNode


class StartChain(Protocol):
    """Starts a chain that ends with the test."""

    def __call__(
        self, network: "str | NetworkSpec" = "evm", *, block_time: float | None = None
    ) -> "DevChain":
        """Start a development network by name or specification."""


def _session_chain(network: str) -> Iterator["DevChain"]:
    from cloudpay_devnet.chain import DevChain

    with DevChain.start(network) as chain:
        yield chain


@pytest.fixture(scope="session")
def evm_chain() -> Iterator["DevChain"]:
    """Ethereum's stand-in: ETH and a USDT with 6 decimals that returns nothing; automine, shared."""
    yield from _session_chain("evm")


@pytest.fixture(scope="session")
def bsc_chain() -> Iterator["DevChain"]:
    """BSC's stand-in: BNB and a USDT with 18 decimals; automine, shared."""
    yield from _session_chain("bsc")


@pytest.fixture(scope="session")
def polygon_chain() -> Iterator["DevChain"]:
    """Polygon's stand-in: POL and a USDT with 6 decimals; automine, shared."""
    yield from _session_chain("polygon")


@pytest.fixture
def anvil() -> Iterator["AnvilNode"]:
    """A fresh node of chain id 31337 with automine and no contracts, for this test alone."""
    from cloudpay_devnet.anvil import AnvilNode

    with AnvilNode.start() as node:
        yield node


@pytest.fixture(scope="session")
def shared_tron() -> Iterator["TronNode"]:
    """A TRON node that makes a block for each transaction, shared: use accounts of your own."""
    from cloudpay_devnet.tron.node import TronNode

    with TronNode.start() as node:
        yield node


@pytest.fixture(scope="session")
def tron_chain(shared_tron: "TronNode") -> "TronChain":
    """TRON's stand-in on the shared node: TRX and a USDT with 6 decimals; a block for each transaction."""
    from cloudpay_devnet.tron.network import TronChain

    return TronChain(shared_tron)


@pytest.fixture(scope="session")
def _tron_to_reset() -> Iterator["TronNode"]:
    from cloudpay_devnet.tron.node import TronNode

    with TronNode.start() as node:
        yield node


@pytest.fixture
def tron(_tron_to_reset: "TronNode") -> "TronNode":
    """A TRON node with a new chain that makes a block for each transaction, for this test alone."""
    _tron_to_reset.reset()
    return _tron_to_reset


@pytest.fixture
def start_chain() -> Iterator[StartChain]:
    """Start fresh chains with their token, for this test alone: `start_chain("bsc", block_time=1)`."""
    from cloudpay_devnet.chain import DevChain

    with ExitStack() as stack:

        def start(network: "str | NetworkSpec" = "evm", *, block_time: float | None = None) -> "DevChain":
            return stack.enter_context(DevChain.start(network, block_time=block_time))

        yield start
