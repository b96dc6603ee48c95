"""Tokens that were paid and cannot be moved raise an alert, by few calls, seldom, and with everybody's turn."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from cloudpay.alerts.service import AlertView, alert_views, clear_by_hand
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import Holding
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.testing import FixedClock
from cloudpay.wallets.service import master_address
from tests.cloudpay.shop import Shop

TEN_MINUTES = timedelta(minutes=10)


class Finder:
    """Makes a fake chain a `TokenFinder`; what is in `blocked` cannot be sent."""

    def __init__(self, chain: Any) -> None:
        self.blocked: set[str] = set()
        self.asked: list[tuple[dict[str, int], str]] = []
        self.down = False
        chain.stuck, chain.foreign_transfers = self.stuck, lambda *_asked: ()

    def stuck(self, balances: Mapping[Holding, int], recipient: str) -> frozenset[Holding]:
        """Answer which of these are blocked."""
        if self.down:
            raise NodeUnavailable("evm", "connection refused")
        self.asked.append(({each.address: units for each, units in balances.items()}, recipient))
        return frozenset(each for each in balances if each.address in self.blocked)


@pytest.fixture
def finder(shop: Shop) -> Finder:
    return Finder(shop.chain)


def paid(shop: Shop, count: int = 1) -> list[InvoiceView]:
    """Have invoices paid in tokens, one in coins beside them."""
    invoices = [shop.ask() for _ in range(count)]
    for each in invoices:
        shop.pay(each)
    shop.pay(shop.ask("1", "ETH"))
    shop.mine(3)
    assert {shop.state(each).status for each in invoices} == {InvoiceStatus.PAID}
    return invoices


def later(shop: Shop, clock: FixedClock, by: timedelta = TEN_MINUTES) -> None:
    """Let time pass: one look that reads a block, and a quiet one."""
    clock.advance(by)
    shop.mine()
    shop.look()


def alerts(shop: Shop) -> list[AlertView]:
    return [each for each in alert_views(shop.gateway) if each.kind is AlertKind.TOKEN_STUCK]


def test_f20_a_paid_token_that_cannot_be_moved_is_an_alert_for_its_token(
    shop: Shop, clock: FixedClock, finder: Finder
) -> None:
    free, blocked = paid(shop, 2)
    finder.blocked = {blocked.option.address}
    later(shop, clock)
    [alert] = alerts(shop)
    assert alert.subject == "evm/USDT"
    assert blocked.id in alert.sentence and blocked.option.address in alert.sentence
    [(asked, recipient)] = finder.asked
    assert asked == {each.option.address: each.option.amount for each in (free, blocked)}
    assert recipient == master_address(shop.gateway, shop.gateway.chains.network("evm"), 0)
    clear_by_hand(shop.gateway, alert.id, actor="operator")
    finder.blocked.clear()
    later(shop, clock)
    assert alerts(shop) == []


def test_f20_tokens_are_tried_out_every_ten_minutes_and_where_none_came_lately_not_at_all(
    shop: Shop, clock: FixedClock, finder: Finder
) -> None:
    paid(shop)
    for _ in range(20):
        later(shop, clock, timedelta(minutes=1))
    assert len(finder.asked) == 2
    later(shop, clock, timedelta(days=2))
    finder.asked.clear()
    later(shop, clock)
    assert finder.asked == []


def test_f20_each_payment_of_a_day_has_its_turn(
    shop: Shop, clock: FixedClock, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.payments.stuck._NEWEST", 1)
    monkeypatch.setattr("cloudpay.payments.stuck._AGAIN", 2)
    invoices = paid(shop, 7)
    for _ in range(4):
        later(shop, clock)
    assert max(len(asked) for asked, _ in finder.asked) <= 3
    tried = {address for asked, _ in finder.asked for address in asked}
    assert tried == {each.option.address for each in invoices}


def test_f20_on_a_chain_that_is_never_quiet_tokens_are_tried_out_too(
    shop: Shop, clock: FixedClock, finder: Finder
) -> None:
    paid(shop)
    for _ in range(25):
        clock.advance(timedelta(minutes=1))
        shop.mine()
    assert len(finder.asked) == 1


def test_f20_what_was_moved_away_is_not_tried_out(shop: Shop, clock: FixedClock, finder: Finder) -> None:
    [invoice] = paid(shop)
    option = invoice.option
    shop.chain.send("somewhere safe", option.amount, option.asset, sender=option.address)
    later(shop, clock)
    assert [asked for asked, _ in finder.asked if asked] == []


def test_f20_a_node_that_fails_at_it_does_not_stop_the_poll(
    shop: Shop, clock: FixedClock, finder: Finder
) -> None:
    [invoice] = paid(shop)
    finder.blocked, finder.down = {invoice.option.address}, True
    later(shop, clock)
    assert alerts(shop) == []
    finder.down = False
    later(shop, clock)
    assert len(alerts(shop)) == 1
