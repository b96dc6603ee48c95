"""Show, list and cancel invoices."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.change import change
from cloudpay.invoices.errors import NotCancellable, UnknownInvoice
from cloudpay.invoices.lookup import find_invoice
from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView, invoice_view
from cloudpay.kernel.paging import Page, Paging, fetch_page
from cloudpay.merchants.idempotency import StoredAnswer, once, remember
from cloudpay.merchants.principal import Principal
from cloudpay.payments.service import of_invoice, of_invoices

Render = Callable[[InvoiceView], str]


def get(gateway: Gateway, principal: Principal, invoice_id: str) -> InvoiceView:
    """Answer one of the merchant's invoices; raises `UnknownInvoice`."""
    found = gateway.db.ask(lambda connection: find_invoice(connection, invoice_id, principal))
    if found is None:
        raise UnknownInvoice(invoice_id)
    return found


def get_for_payer(gateway: Gateway, invoice_id: str) -> InvoiceView:
    """Answer an invoice to whoever holds its unguessable id; raises `UnknownInvoice`."""
    found = gateway.db.ask(lambda connection: find_invoice(connection, invoice_id))
    if found is None:
        raise UnknownInvoice(invoice_id)
    return found


@dataclass(frozen=True)
class Filters:
    """Which invoices are wanted; None does not filter."""

    status: InvoiceStatus | None = None
    exception: str | None = None
    currency: str | None = None
    network: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


def list_invoices(
    gateway: Gateway, principal: Principal, filters: Filters, paging: Paging
) -> Page[InvoiceView]:
    """Answer a page of the merchant's invoices in the key's mode, newest first."""
    wanted = select(InvoiceRow).where(
        InvoiceRow.merchant_id == principal.merchant_id, InvoiceRow.livemode == principal.livemode
    )
    if filters.status is not None:
        wanted = wanted.where(InvoiceRow.status == filters.status)
    if filters.exception is not None:
        wanted = wanted.where(InvoiceRow.exception == filters.exception)
    if filters.created_from is not None:
        wanted = wanted.where(InvoiceRow.created_at >= filters.created_from)
    if filters.created_to is not None:
        wanted = wanted.where(InvoiceRow.created_at < filters.created_to)
    if filters.currency is not None:
        wanted = wanted.where(InvoiceRow.options.any(PaymentOptionRow.symbol == filters.currency.upper()))
    if filters.network is not None:
        code = gateway.chains.network(filters.network).code
        wanted = wanted.where(InvoiceRow.options.any(PaymentOptionRow.network == code))
    with gateway.db.read() as session:
        page = fetch_page(session, wanted, paging, by=InvoiceRow.id)
        payments = of_invoices(session, [row.id for row in page.items])
        return page.map(lambda row: invoice_view(row, payments[row.id]))


def cancel(
    gateway: Gateway, principal: Principal, invoice_id: str, key: str | None, render: Render
) -> StoredAnswer:
    """Cancel an invoice for which nothing has come in; raises `UnknownInvoice` and `NotCancellable`."""
    # The id is part of the content: a route has a bounded length, and what a client calls an id need not.
    route = "POST /api/invoice/cancel"

    def work(session: Session) -> StoredAnswer:
        earlier = once(session, gateway, principal, route, key, {"invoice_id": invoice_id})
        if earlier is not None:
            return earlier
        row = _lock(session, principal, invoice_id)
        payments = of_invoice(session, row.id)
        view = invoice_view(row, payments)
        if row.status != InvoiceStatus.PENDING or view.payments:
            raise NotCancellable(row.id, row.status, len(view.payments))
        change(session, gateway, row, payments, InvoiceStatus.CANCELLED, None)
        record(
            session,
            actor=principal.actor,
            action="invoice.cancelled",
            subject=row.id,
            merchant_id=row.merchant_id,
            livemode=row.livemode,
        )
        return remember(session, principal, route, key, 200, render(invoice_view(row, payments)))

    return gateway.db.run(work)


def _lock(session: Session, principal: Principal, invoice_id: str) -> InvoiceRow:
    """Lock the row of this merchant and mode; another's is not found by the same one statement as nobody's."""
    mine = (InvoiceRow.merchant_id == principal.merchant_id, InvoiceRow.livemode == principal.livemode)
    row = session.scalar(select(InvoiceRow).where(InvoiceRow.id == invoice_id, *mine).with_for_update())
    if row is None:
        raise UnknownInvoice(invoice_id)
    return row
