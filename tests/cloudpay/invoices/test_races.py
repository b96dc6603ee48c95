"""Several processes on one invoice and one payment at the same moment."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.invoices.errors import NotCancellable
from cloudpay.invoices.service import cancel
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.outbox.models import OutboxRow
from cloudpay.outbox.service import drain
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
