"""Find one invoice as it is shown: one statement of plain columns, and a second one only where money has come in."""

from sqlalchemy import Connection, bindparam, exists, select

from cloudpay.chains.spending import FeeTier
from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.invoices.views import InvoiceView, view_of
from cloudpay.kernel.db import table_of
from cloudpay.kernel.prepared import Prepared
from cloudpay.merchants.principal import Principal
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.service import of_invoice

_INVOICE, _OPTION, _PAYMENT = table_of(InvoiceRow), table_of(PaymentOptionRow), table_of(PaymentRow)

_WANTED = (
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

_BY_ID = Prepared(_WANTED)
_OF_MERCHANT = Prepared(
    _WANTED.where(
        _INVOICE.c.merchant_id == bindparam("merchant_id"), _INVOICE.c.livemode == bindparam("livemode")
    )
)
"""Another merchant's finds no row: it is as if it did not exist, also in what is done, and so in how long it takes."""


def priority_of(connection: Connection, invoice_id: str) -> FeeTier:
    """Answer how soon what the gateway itself sends for an invoice is to be included.

    What a restored wallet's address holds belongs to no invoice that is known here, and is not in a hurry.
    """
    priority = select(_INVOICE.c.priority).where(_INVOICE.c.id == invoice_id)
    found = connection.execute(priority).scalar_one_or_none()
    return FeeTier.MEDIUM if found is None else FeeTier(found)


def find_invoice(
    connection: Connection, invoice_id: str, owner: Principal | None = None
) -> InvoiceView | None:
    """Answer the invoice of this id with its payments, of this merchant and mode or whosever; None: there is none."""
    values: dict[str, object] = {"invoice_id": invoice_id}
    if owner is not None:
        values |= {"merchant_id": owner.merchant_id, "livemode": owner.livemode}
    rows = (_BY_ID if owner is None else _OF_MERCHANT).all(connection, values)
    if not rows:
        return None
    payments = of_invoice(connection, invoice_id) if rows[0].has_payments else []
    return view_of(rows[0], rows, payments)
