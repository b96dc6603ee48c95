"""From an event to the next: handed on at least once, told once, frozen when it happened."""

import json

from sqlalchemy import select

from cloudpay.alerts.service import CLEARED, OPENED
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.change import CHANGED, webhook_body
from cloudpay.outbox import service as outbox
from cloudpay.outbox.models import OutboxRow
from cloudpay.testing import FixedClock
from cloudpay.webhooks.models import Delivery
from cloudpay.wiring import EVENT_HANDLERS
from tests.cloudpay.shop import Shop

PUBLISHED_KEYS = ["status", "invoice_id", "amount", "currency", "tx_hash", "address_in", "received_amount"]


def told(gateway: Gateway) -> list[dict[str, object]]:
    """Answer the bodies of all webhooks, oldest first."""
    with gateway.db.read() as session:
        return [json.loads(each) for each in session.scalars(select(Delivery.body).order_by(Delivery.id))]


def test_each_change_is_told_once_in_order_and_paid_once(shop: Shop) -> None:
    invoice = shop.ask("10")
    shop.pay(invoice)
    shop.mine(1)
    shop.mine(3)
    shop.pay(invoice, 1)
    shop.mine(5)
    bodies = told(shop.gateway)
    assert [each["status"] for each in bodies] == ["confirming", "paid"]
    assert [each["sequence"] for each in bodies] == [1, 2]
    assert list(bodies[1])[:7] == PUBLISHED_KEYS
    paid = bodies[1]
    assert (paid["amount"], paid["received_amount"], paid["currency"]) == ("10.00", "10.00", "USDT")
    assert paid["tx_hash"] == shop.state(invoice).tx_hash


def test_nothing_is_told_when_an_invoice_is_created(shop: Shop) -> None:
    shop.ask()
    shop.settle()
    assert told(shop.gateway) == []


def test_an_event_that_is_handed_on_twice_has_one_effect(shop: Shop) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.mine(5)
    before = told(shop.gateway)
    with shop.gateway.db.transaction() as session:
        for row in session.scalars(select(OutboxRow)):
            row.handled_at, row.claimed_until = None, None
    shop.settle()
    assert told(shop.gateway) == before


def test_an_event_whose_handler_fails_is_kept_and_comes_again(shop: Shop, clock: FixedClock) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.mine(5)
    shop.watcher.poll()

    def fail(gateway: Gateway, event: outbox.OutboxEvent) -> None:
        raise RuntimeError("no")

    assert outbox.drain(shop.gateway, {"payment.changed": [fail]}) > 0
    waiting = outbox.backlog(shop.gateway)
    assert waiting.failing >= 1
    clock.advance(outbox._LONGEST_DELAY)
    shop.settle()
    assert outbox.backlog(shop.gateway).waiting == 0
    assert [each["status"] for each in told(shop.gateway)] == ["paid"]


def test_the_webhook_of_a_change_is_frozen_when_it_happens(shop: Shop) -> None:
    invoice = shop.ask()
    shop.pay(invoice, 1)
    shop.chain.mine()
    shop.watcher.poll()
    outbox.drain(shop.gateway, {"payment.changed": EVENT_HANDLERS["payment.changed"]}, limit=1000)
    shop.pay(invoice)
    shop.chain.mine(5)
    shop.watcher.poll()
    shop.settle()
    assert [each["received_amount"] for each in told(shop.gateway)][:1] == ["0.000001"]


def test_every_event_that_is_appended_is_known_here_or_only_kept() -> None:
    kept = {"network.active", "network.unverified", "network.stalled", "network.paused"}
    payments, payouts = {"payment.changed", "payment.reversed"}, {"spend.changed", "payout.changed"}
    assert {CHANGED, *payments, *payouts, OPENED, CLEARED} == set(EVENT_HANDLERS)
    assert kept.isdisjoint(EVENT_HANDLERS)


def test_the_published_keys_come_first(shop: Shop) -> None:
    assert list(webhook_body(shop.ask()))[:7] == PUBLISHED_KEYS
