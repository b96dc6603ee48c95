"""Tokens with `verify_balance`: somebody is told when nobody knows a balance, and when less arrived than was told."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import pytest

from cloudpay.alerts.service import AlertView, alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Capability, Holding
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.networks import network_views
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop

BLOCK_TIME = timedelta(seconds=12)


@pytest.fixture
def shop(open_shop_with: Callable[..., Shop]) -> Shop:
    """A shop that holds USDT against balances."""
    return open_shop_with("evm", stalled_after_seconds=60, assets={"USDT": {"verify_balance": True}})


def alerts(shop: Shop, kind: AlertKind) -> list[AlertView]:
    return [each for each in alert_views(shop.gateway) if each.kind is kind]


def waiting(shop: Shop) -> int:
    [view] = [each for each in network_views(shop.gateway) if each.code == shop.code]
    return view.waiting


def test_f12_payments_that_wait_for_balances_that_no_node_keeps_are_an_alert_and_counted(
    shop: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def pruned(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        asked.append(at.height)
        raise NodeUnavailable("evm", "missing trie node")

    monkeypatch.setattr(shop.chain, "balances", pruned)
    invoice, coins = shop.ask(), shop.ask("1", "ETH")
    shop.pay(invoice)
    shop.pay(coins)
    shop.mine(3)
    assert (waiting(shop), alerts(shop, AlertKind.BALANCES_UNKNOWN)) == (1, [])
    for _ in range(30):
        clock.advance(timedelta(seconds=6))
        shop.mine()
    assert shop.state(coins).status is InvoiceStatus.PAID, "nothing else waits"
    assert shop.state(invoice).status is InvoiceStatus.CONFIRMING
    [alert] = alerts(shop, AlertKind.BALANCES_UNKNOWN)
    assert (
        "USDT" in alert.sentence and "archive node" in alert.advice and 'finality = "depth"' in alert.advice
    )
    assert waiting(shop) == 1
    assert len(asked) < 10, "a node that does not keep them is asked ever less often"
    monkeypatch.undo()
    clock.advance(timedelta(minutes=1))
    shop.mine()
    shop.mine()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert (waiting(shop), alerts(shop, AlertKind.BALANCES_UNKNOWN)) == (0, [])


def test_f12_that_less_arrived_than_a_log_told_is_said_once_for_its_token(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    balances = shop.chain.balances

    def with_a_fee(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        return {each: units * 9 // 10 for each, units in balances(holdings, at).items()}

    exact = shop.ask()
    shop.pay(exact)
    shop.mine(3)
    assert shop.state(exact).status is InvoiceStatus.PAID
    assert alerts(shop, AlertKind.LESS_ARRIVED) == []
    monkeypatch.setattr(shop.chain, "balances", with_a_fee)
    short, another = shop.ask(), shop.ask()
    shop.pay(short)
    shop.mine()
    shop.pay(another)
    shop.mine(4)
    for each in (short, another):
        assert shop.state(each).exception is InvoiceException.UNDERPAID
    [alert] = alerts(shop, AlertKind.LESS_ARRIVED)
    assert alert.subject == "evm/USDT"
    assert short.id in alert.sentence and "10.00 USDT" in alert.sentence and "9.00 USDT" in alert.sentence


def test_f12_a_log_of_which_nothing_arrived_is_told_of(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.chain, "balances", lambda holdings, at: dict.fromkeys(holdings, 0))
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(4)
    assert shop.held() == 0
    [alert] = alerts(shop, AlertKind.LESS_ARRIVED)
    assert invoice.id in alert.sentence and "nothing of it is credited" in alert.sentence


def test_no_node_is_blamed_for_a_log_of_which_nothing_arrived(
    open_shop_with: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = open_shop_with("evm", second_reading_blocks=4, assets={"USDT": {"verify_balance": True}})
    shop.chain.capabilities |= Capability.SECOND_READING
    monkeypatch.setattr(shop.chain, "balances", lambda holdings, at: dict.fromkeys(holdings, 0))
    shop.pay(shop.ask())
    shop.mine(6)
    shop.look()
    with shop.gateway.db.read() as session:
        assert (session.get_one(NetworkRow, "evm").reread_height or 0) > 4
    assert [each.kind for each in alert_views(shop.gateway)] == [AlertKind.LESS_ARRIVED]
