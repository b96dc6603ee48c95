"""Find one invoice as it is shown: one statement of plain columns, and a second one only where money has come in."""

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.invoices.views import InvoiceView, view_of
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.service import of_invoice

_INVOICE, _OPTION, _PAYMENT = InvoiceRow.__table__, PaymentOptionRow.__table__, PaymentRow.__table__

_BY_ID = (
    select(
        *_INVOICE.c,
        *(each for each in _OPTION.c if each.name not in ("id", "invoice_id")),
        exists().where(_PAYMENT.c.invoice_id == _INVOICE.c.id).label("has_payments"),
    )
    .join_from(_INVOICE, _OPTION, _OPTION.c.invoice_id == _INVOICE.c.id)
    .where(_INVOICE.c.id == bindparam("invoice_id"))
    .order_by(_OPTION.c.position)
)
"""One row for each payment option, with the invoice's own columns in each."""


def find_invoice(session: Session, invoice_id: str) -> InvoiceView | None:
    """Answer the invoice of this id with its payments, whosever it is; None when there is none."""
    rows = session.execute(_BY_ID, {"invoice_id": invoice_id}).all()
    if not rows:
        return None
    payments = of_invoice(session, invoice_id) if rows[0].has_payments else []
    return view_of(rows[0], rows, payments)
