"""The two ways out of `reversed`, both a person's decision: the money has come back, or the sale is written off."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.change import change
from cloudpay.invoices.errors import NotReversed, StillUnpaid, UnknownInvoice
from cloudpay.invoices.models import InvoiceRow
from cloudpay.invoices.settlement import Asked, Outcome, decide, settled_by
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView, invoice_view
from cloudpay.payments.service import of_invoice
from cloudpay.payments.views import PaymentView

_Decision = Callable[[InvoiceRow, list[PaymentView]], Outcome]


def settle(gateway: Gateway, invoice_id: str, *, reason: str, actor: str) -> InvoiceView:
    """Make a reversed invoice paid again, by final payments that cover it; audited. The merchant's shop is not told.

    A second `paid` would have it ship twice; `GET /api/invoice/{id}` answers `paid` from now on.

    Raises `UnknownInvoice`, `NotReversed`, and `StillUnpaid` while the money is not back.
    """
    return _leave(gateway, invoice_id, _paid_again, "invoice.settled", reason, actor)


def write_off(gateway: Gateway, invoice_id: str, *, reason: str, actor: str) -> InvoiceView:
    """Close a reversed invoice as cancelled; money that comes back later is kept, and is `late`. Audited, and told.

    Raises `UnknownInvoice` and `NotReversed`.
    """
    return _leave(gateway, invoice_id, _cancelled, "invoice.written_off", reason, actor)


def _leave(
    gateway: Gateway, invoice_id: str, decision: _Decision, action: str, reason: str, actor: str
) -> InvoiceView:
    def work(session: Session) -> InvoiceView:
        row = session.get(InvoiceRow, invoice_id, with_for_update=True)
        if row is None:
            raise UnknownInvoice(invoice_id)
        if row.status != InvoiceStatus.REVERSED:
            raise NotReversed(row.id, row.status)
        payments = of_invoice(session, row.id)
        outcome = decision(row, payments)
        if outcome.completing is not None:
            row.paid_at, row.paid_tx = gateway.clock.now(session), outcome.completing.tx_hash
        change(session, gateway, row, payments, outcome.status, outcome.exception)
        record(
            session,
            actor=actor,
            action=action,
            subject=row.id,
            merchant_id=row.merchant_id,
            livemode=row.livemode,
            details={"reason": reason},
        )
        return invoice_view(row, payments)

    return gateway.db.run(work)


def _asked(row: InvoiceRow) -> list[Asked]:
    return [Asked(each.network, each.asset, each.address, each.amount) for each in row.options]


def _paid_again(row: InvoiceRow, payments: list[PaymentView]) -> Outcome:
    outcome = settled_by(_asked(row), payments)
    if outcome is None:
        raise StillUnpaid(row.id)
    return outcome


def _cancelled(row: InvoiceRow, payments: list[PaymentView]) -> Outcome:
    return decide(InvoiceStatus.CANCELLED, _asked(row), payments, row.expires_at, looked_after_expiry=True)
