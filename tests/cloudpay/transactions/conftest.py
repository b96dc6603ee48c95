"""A payout desk on fake chains, with money in its master wallet."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.kernel import failpoints
from cloudpay.ledger.audit import check
from cloudpay.merchants.service import MerchantView
from cloudpay.testing import FakePlugin, FixedClock
from cloudpay.wallets.masters import master_wallet
from tests.cloudpay.transactions.desk import Desk, write_seal_key


@pytest.fixture
def open_desk(
    gateway: Gateway, merchant: MerchantView, fakes: FakePlugin, clock: FixedClock
) -> Iterator[Callable[..., Desk]]:
    """Open a desk on `evm`; keywords change the network's settings. The books are checked at the end."""
    opened: list[Desk] = []

    def build(**changes: object) -> Desk:
        table = {"evm": {"live": False, **changes}}
        changed = replace(gateway, chains=load_chains(table, "evm", ("fake", fakes)))
        write_seal_key(changed)
        network = changed.chains.network("evm")
        changed.chains.adapter("evm")
        chain = fakes.chains["evm"]
        chain.mine(5)
        desk = Desk(changed, network, chain, clock, master_wallet(changed, network, merchant.id))
        desk.fund()
        opened.append(desk)
        return desk

    yield build
    failpoints.disarm()
    assert all(check(desk.gateway) == [] for desk in opened)


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    """The desk on `evm`; a transaction is final after 3 blocks, and is bumped after 90 seconds."""
    return open_desk()
