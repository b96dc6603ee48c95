"""Every merchant has a master wallet that is watched, and what lies in it is held against what is booked."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import pytest

from cloudpay.alerts.service import AlertView, alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Capability, Holding
from cloudpay.merchants.service import create_merchant
from cloudpay.testing import FixedClock
from cloudpay.wallets.masters import find_master, master_wallet
from tests.cloudpay.shop import Shop

ETHER = 10**18
SOON = timedelta(minutes=3)


@pytest.fixture
def blind(shop: Shop) -> Shop:
    """The shop on a node that shows no traces."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    shop.mine(5)
    return shop


def master(shop: Shop) -> str:
    network = shop.gateway.chains.network(shop.code)
    return master_wallet(shop.gateway, network, shop.principal.merchant_id).address


def told(shop: Shop) -> list[AlertView]:
    return [each for each in alert_views(shop.gateway) if each.kind is AlertKind.MASTER_DIFFERS]


def later(shop: Shop, clock: FixedClock, by: timedelta = SOON) -> None:
    clock.advance(by)
    shop.mine(1)


def looks(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Note whose balances are asked for from now on."""
    balances, asked = shop.chain.balances, list[list[str]]()

    def noted(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        wanted = list(holdings)
        asked.append([each.address for each in wanted])
        return balances(wanted, at)

    monkeypatch.setattr(shop.chain, "balances", noted)
    return asked


def test_a_merchant_made_while_the_watcher_runs_has_a_watched_wallet_soon(
    shop: Shop, clock: FixedClock
) -> None:
    gateway, network = shop.gateway, shop.gateway.chains.network(shop.code)
    other = create_merchant(gateway, "Coffee", livemode=False, payout_currencies={}, actor="cli:test")
    later(shop, clock)
    with gateway.db.read() as session:
        assert find_master(session, network, other.id) is not None
        assert find_master(session, network, shop.principal.merchant_id) is not None


def test_native_money_by_a_contract_that_shows_in_no_transfer_is_told_and_never_booked(
    blind: Shop, clock: FixedClock
) -> None:
    blind.chain.send(master(blind), ETHER, via_contract=True)
    blind.mine(4)
    later(blind, clock)
    assert not told(blind), "what is seen once may be on its way into the books"
    later(blind, clock)
    [alert] = told(blind)
    assert alert.sentence == f"The master wallet {master(blind)} on evm has 1.00 ETH more than is booked."
    assert alert.subject == f"evm/{master(blind)}"


def test_it_ends_when_a_node_that_traces_has_shown_it(blind: Shop, clock: FixedClock) -> None:
    blind.chain.send(master(blind), ETHER, via_contract=True)
    blind.mine(4)
    later(blind, clock)
    later(blind, clock)
    assert told(blind)
    blind.chain.capabilities |= Capability.TRACES
    blind.rescan(1, blind.chain.height)
    blind.mine(1)
    later(blind, clock, timedelta(hours=2))
    assert not told(blind)


def test_a_fee_that_nobody_booked_is_told(shop: Shop, clock: FixedClock) -> None:
    shop.chain.send(master(shop), 2 * ETHER)
    shop.mine(4)
    shop.chain.send("an exchange", ETHER, sender=master(shop))
    shop.mine(4)
    later(shop, clock)
    later(shop, clock)
    [alert] = told(shop)
    assert "ETH less than is booked" in alert.sentence


def test_the_smaller_of_two_differences_is_told_and_one_that_changes_sides_is_not(
    blind: Shop, clock: FixedClock
) -> None:
    blind.chain.send(master(blind), ETHER, via_contract=True)
    blind.mine(4)
    later(blind, clock)
    blind.chain.send(master(blind), ETHER, via_contract=True)
    blind.mine(4)
    later(blind, clock)
    [alert] = told(blind)
    assert "has 1.00 ETH more" in alert.sentence


def test_what_is_booked_needs_no_alarm_and_is_looked_at_once_an_hour(
    shop: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.chain.send(master(shop), ETHER)
    shop.mine(4)
    asked = looks(shop, monkeypatch)
    for _ in range(20):
        later(shop, clock, timedelta(minutes=9))
    assert not told(shop)
    assert [master(shop)] in asked
    assert 2 <= len(asked) <= 4


def test_money_that_is_not_final_yet_is_no_difference(blind: Shop, clock: FixedClock) -> None:
    for _ in range(4):
        blind.chain.send(master(blind), ETHER)
        later(blind, clock)
    assert not told(blind)


def test_a_node_that_does_not_answer_is_asked_again_later(
    blind: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind.chain.send(master(blind), ETHER, via_contract=True)
    blind.mine(4)

    def away(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        raise NodeUnavailable("evm", "it is away")

    later(blind, clock)
    monkeypatch.setattr(blind.chain, "balances", away)
    later(blind, clock)
    assert not told(blind)
    monkeypatch.undo()
    later(blind, clock)
    assert told(blind)
