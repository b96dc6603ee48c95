"""Several processes on one invoice and one payment at the same moment."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.invoices.errors import NotCancellable
from cloudpay.invoices.service import cancel
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.outbox.models import OutboxRow
from cloudpay.outbox.service import drain
from cloudpay.payments import service as payments
from cloudpay.payments.views import PaymentView
from cloudpay.testing import FixedClock
from cloudpay.wiring import EVENT_HANDLERS
from tests.cloudpay.shop import Shop

LIMIT = 60.0
WORKERS = 4


def side_by_side(*work: Callable[[], object]) -> None:
    """Do all of it at once; what any raises is raised here."""
    with ThreadPoolExecutor(len(work)) as pool:
        for each in [pool.submit(one) for one in work]:
            each.result(LIMIT)


def drain_all(shop: Shop) -> None:
    while drain(shop.gateway, EVENT_HANDLERS, limit=1):
        pass


def told(shop: Shop, invoice: InvoiceView) -> list[tuple[int, str]]:
    """Answer sequence and status of every event of an invoice, in their order."""
    with shop.gateway.db.read() as session:
        rows = session.scalars(
            select(OutboxRow)
            .where(OutboxRow.name == "invoice.changed", OutboxRow.subject == invoice.id)
            .order_by(OutboxRow.id)
        )
        bodies = [json.loads(json.loads(row.payload)["body"]) for row in rows]
    return [(body["sequence"], body["status"]) for body in bodies]


def test_f112_many_workers_on_one_invoice_say_paid_once(shop: Shop) -> None:
    invoice = shop.ask("10")
    for _ in range(10):
        shop.pay(invoice, 1_000_000)
    shop.chain.mine(5)
    shop.watcher.poll()
    side_by_side(*[lambda: drain_all(shop)] * WORKERS)
    events = told(shop, invoice)
    assert [status for _, status in events].count("paid") == 1
    assert [sequence for sequence, _ in events] == list(range(1, len(events) + 1))
    assert shop.state(invoice).status is InvoiceStatus.PAID


def test_a_payment_that_is_rescanned_while_it_is_watched_is_credited_once(shop: Shop) -> None:
    shop.mine(10)
    for _ in range(5):
        invoice = shop.ask("10")
        shop.pay(invoice)
        shop.chain.mine(1)

        def again() -> None:
            for _ in range(3):
                try:
                    shop.rescan(5, 1_000)
                except NodeUnavailable:  # the watcher has not read that far yet
                    continue

        side_by_side(again, again, shop.watcher.poll)
    shop.mine(5)
    assert shop.held() == 5 * 10_000_000


def test_what_a_look_has_found_counts_before_the_look_says_that_it_is_done(
    shop: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invoice is held against its payments while the poll that began after its expiry reads the last of them."""
    invoice = shop.ask("10")
    shop.pay(invoice, 4_000_000)
    shop.chain.mine()
    shop.watcher.poll()
    shop.pay(invoice, 6_000_000)
    shop.chain.mine()
    clock.advance(timedelta(minutes=61))
    shop.chain.mine()
    real, polls = payments.of_invoice, [shop.watcher.poll]

    def of_invoice(session: Session, invoice_id: str) -> list[PaymentView]:
        found = real(session, invoice_id)
        if polls and shop.gateway.db.engine.dialect.name == "postgresql":  # SQLite has one writer at a time
            side_by_side(polls.pop())
        return found

    monkeypatch.setattr("cloudpay.invoices.change.of_invoice", of_invoice)
    drain(shop.gateway, EVENT_HANDLERS, limit=1)
    assert shop.state(invoice).status is InvoiceStatus.PENDING
    shop.look()
    shop.mine(3)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert "expired" not in [status for _, status in told(shop, invoice)]


def test_a_cancellation_and_a_payment_at_once_leave_one_history(shop: Shop) -> None:
    invoices = [shop.ask("10") for _ in range(5)]
    for invoice in invoices:
        shop.pay(invoice)
    shop.chain.mine(5)

    def cancel_all() -> None:
        for invoice in invoices:
            try:
                cancel(shop.gateway, shop.principal, invoice.id, None, lambda view: "{}")
            except NotCancellable:
                continue

    def look() -> None:
        shop.watcher.poll()
        drain_all(shop)

    side_by_side(cancel_all, look)
    shop.settle()
    for invoice in invoices:
        found = shop.state(invoice)
        assert (found.status, found.exception) in [
            (InvoiceStatus.PAID, None),
            (InvoiceStatus.CANCELLED, "late"),
        ]
        events = told(shop, invoice)
        assert [sequence for sequence, _ in events] == list(range(1, len(events) + 1))
