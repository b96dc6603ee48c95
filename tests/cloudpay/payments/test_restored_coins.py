"""Coins that a contract sends to a restored address, on nodes that do not trace, are found by its balance."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import Capability
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.ledger.audit import check
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.service import MerchantView
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.models import NativeWatchRow
from cloudpay.payments.turns import KEPT
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FixedClock
from tests.cloudpay.payments.restoring import AHEAD, bring_back, contents_of, held
from tests.cloudpay.shop import Shop

pytestmark = pytest.mark.usefixtures("cheap")

ETHER = 10**18


def _watched(gateway: Gateway) -> int:
    with gateway.db.read() as session:
        return session.scalar(select(func.count()).where(NativeWatchRow.network == "evm")) or 0


@pytest.fixture
def watcher(shop: Shop, elsewhere: Gateway) -> Iterator[Watcher]:
    """The watcher of the machine that the wallet is restored on; no node traces."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    network = elsewhere.chains.network("evm")
    keeper = LeaseKeeper(elsewhere.db, elsewhere.clock, "watch:evm", "elsewhere", LEASE_TTL)
    adapter = elsewhere.chains.adapter("evm")
    verify(elsewhere, network, adapter)
    yield Watcher(elsewhere, network, adapter, keeper)
    keeper.release()


def _mine(shop: Shop, watcher: Watcher, blocks: int) -> None:
    for _ in range(blocks):
        shop.chain.mine(1)
        watcher.poll()


def test_f11_coins_from_a_contract_are_found_at_a_restored_address_once(
    shop: Shop, elsewhere: Gateway, merchant: MerchantView, watcher: Watcher
) -> None:
    known = shop.ask("1", "ETH")
    contents = contents_of(shop.gateway)
    handed_out_since = shop.ask("1", "ETH")
    bring_back(elsewhere, contents)
    for each in (known, handed_out_since):
        shop.chain.send(each.option.address, ETHER, via_contract=True)
    _mine(shop, watcher, 6)
    assert held(elsewhere, merchant, AccountKind.DEPOSITS) == 2 * ETHER
    watcher.keeper.release()
    bring_back(elsewhere, contents)
    _mine(shop, watcher, 6)
    assert held(elsewhere, merchant, AccountKind.DEPOSITS) == 2 * ETHER
    assert check(elsewhere) == []


def test_restored_addresses_are_looked_at_for_some_days_and_no_longer(
    shop: Shop, elsewhere: Gateway, watcher: Watcher, clock: FixedClock
) -> None:
    contents = contents_of(shop.gateway)
    bring_back(elsewhere, contents)
    assert _watched(elsewhere) >= AHEAD
    _mine(shop, watcher, 1)
    clock.advance(KEPT - timedelta(minutes=1))
    _mine(shop, watcher, 2)
    assert _watched(elsewhere) >= AHEAD
    clock.advance(timedelta(minutes=2))
    shop.chain.capabilities |= Capability.TRACES
    _mine(shop, watcher, 2)
    assert _watched(elsewhere) == 0
