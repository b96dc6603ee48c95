"""Change an invoice: the new state and the event that tells of it are written together, the webhook's body included."""

import json
from collections.abc import Sequence
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.models import OPEN, InvoiceRow, PaymentOptionRow
from cloudpay.invoices.settlement import Asked, decide
from cloudpay.invoices.states import INVOICE, InvoiceException, InvoiceStatus
from cloudpay.invoices.views import InvoiceView, invoice_view
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.outbox.service import OutboxEvent, Payload, append
from cloudpay.payments.looks import have_failed
from cloudpay.payments.models import NativeWatchRow, NetworkRow
from cloudpay.payments.networks import polled_after
from cloudpay.payments.service import of_invoice
from cloudpay.payments.views import PaymentView

CHANGED = "invoice.changed"
_BATCH = 500
_WAS_TOLD_PAID = {InvoiceStatus.PAID, InvoiceStatus.REVERSED}


def apply_payments(gateway: Gateway, events: Sequence[OutboxEvent]) -> None:
    """Hold invoices against their payments again, each once, however many came in; nothing is told twice."""
    for invoice_id in dict.fromkeys(str(event.payload["invoice_id"]) for event in events):
        if invoice_id:  # a restored wallet's address has none: its invoice is in no database any more
            gateway.db.run(partial(_reconsider, gateway=gateway, invoice_id=invoice_id))
            passing(Failpoint.INVOICE_COMMITTED)


def expire_due(gateway: Gateway) -> int:
    """Expire the invoices whose time is over, where the chain was looked at since; answer how many changed.

    A network that stalls keeps its invoices open: "nothing was found" is no fact while nobody can see.
    """
    looked_at = (
        select(NetworkRow.code)
        .join(PaymentOptionRow, PaymentOptionRow.network == NetworkRow.code)
        .where(PaymentOptionRow.invoice_id == InvoiceRow.id, NetworkRow.polled_at > InvoiceRow.expires_at)
        .correlate(InvoiceRow)
        .offset(
            0
        )  # PostgreSQL looks it up for the few that are due, instead of joining every option there ever was
    )
    option, watch = PaymentOptionRow, NativeWatchRow
    unseen = (
        select(watch.network)
        .join(option, option.deposit_address_id == watch.deposit_address_id)
        .where(option.invoice_id == InvoiceRow.id, watch.failing_since.is_not(None))
        .correlate(InvoiceRow)
        .offset(0)
    )
    with gateway.db.read() as session:
        due = session.scalars(
            select(InvoiceRow.id)
            .where(
                OPEN,
                InvoiceRow.status == InvoiceStatus.PENDING,
                InvoiceRow.expires_at < gateway.clock.now(session),
                looked_at.exists(),
                ~unseen.exists(),
            )
            .order_by(InvoiceRow.expires_at)
            .limit(_BATCH)
        ).all()
    if due:
        passing(Failpoint.EXPIRY_DECIDED)
    changes = [partial(_reconsider, gateway=gateway, invoice_id=each) for each in due]
    return sum(gateway.db.run(each) for each in changes)


def change(
    session: Session,
    gateway: Gateway,
    row: InvoiceRow,
    payments: list[PaymentView],
    status: InvoiceStatus,
    exception: InvoiceException | None,
) -> None:
    """Write a new state and its event; the caller has decided, the table of transitions has the last word."""
    was = InvoiceStatus(row.status)
    if status is not was:
        row.status = INVOICE.check(was, status)
    row.exception = exception
    row.sequence += 1
    view = invoice_view(row, payments)
    # `paid` is said once for ever, so that a shop ships once: nothing on top, no settled reversal repeats it.
    told = status is not InvoiceStatus.PAID or was not in _WAS_TOLD_PAID
    payload: Payload = {
        "event_id": new_id("evt_"),
        "event_type": event_type(status),
        "merchant_id": row.merchant_id,
        "livemode": row.livemode,
        "url": row.callback_url if told else None,
        "body": json.dumps(webhook_body(view)),
    }
    append(session, gateway.clock, CHANGED, row.id, payload)


def event_type(status: InvoiceStatus) -> str:
    """Answer the type of the event that tells of this status."""
    return f"invoice.{status.value}"


def webhook_body(invoice: InvoiceView) -> dict[str, str | int | bool | None]:
    """Answer the published payload, its own keys first; further keys only ever join behind them."""
    option = invoice.option
    return {
        "status": invoice.status.value,
        "invoice_id": invoice.id,
        "amount": option.shown(option.amount),
        "currency": option.currency,
        "tx_hash": invoice.tx_hash,
        "address_in": option.address,
        "received_amount": option.shown(option.received),
        "confirmed_amount": option.shown(option.confirmed),
        "network": option.network,
        "exception": invoice.exception.value if invoice.exception else None,
        "sequence": invoice.sequence,
        "type": event_type(invoice.status),
        "livemode": invoice.livemode,
    }


def _reconsider(session: Session, gateway: Gateway, invoice_id: str) -> bool:
    row = session.get_one(InvoiceRow, invoice_id, with_for_update=True)
    # Asked before the payments are read: what a look has found is committed before it is said to be done.
    looked = _looked_after_expiry(session, gateway, row)
    payments = of_invoice(session, row.id)
    asked = [Asked(each.network, each.asset, each.address, each.amount) for each in row.options]
    status = InvoiceStatus(row.status)
    outcome = decide(status, asked, payments, row.expires_at, looked_after_expiry=looked)
    if (outcome.status, outcome.exception) == (row.status, row.exception):
        return False
    if outcome.completing is not None:
        row.paid_at = gateway.clock.now(session)
        row.paid_tx = outcome.completing.tx_hash
    change(session, gateway, row, payments, outcome.status, outcome.exception)
    passing(Failpoint.INVOICE_CHANGED)
    return True


def _looked_after_expiry(session: Session, gateway: Gateway, row: InvoiceRow) -> bool:
    """Say whether all networks of an invoice were looked at since it expired, and nothing found is left unwritten."""
    if gateway.clock.now(session) <= row.expires_at:
        return False
    looked = polled_after(session, {each.network for each in row.options}, row.expires_at)
    return looked and not have_failed(session, [each.deposit_address_id for each in row.options])
