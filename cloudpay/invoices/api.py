"""The routes of invoices."""

from functools import partial
from typing import Any

from flask import Response

from cloudpay.chains.gateway import current
from cloudpay.invoices import creation, service
from cloudpay.invoices.creation import NewInvoice
from cloudpay.invoices.rendering import invoice_text, page_text
from cloudpay.invoices.schemas import InvoicePage, InvoiceQuery, InvoiceSchema, NewInvoiceSchema
from cloudpay.kernel.fields import NoFields
from cloudpay.kernel.http import Blueprint
from cloudpay.kernel.paging import Paging
from cloudpay.merchants.auth import principal, requires
from cloudpay.merchants.web import answer_json, idempotency_key, respond

blueprint = Blueprint(
    "invoices", __name__, url_prefix="/api/invoice", description="Ask payers for money and see it come in."
)
WRITE, READ = "invoices:write", "read"


@blueprint.route("", methods=["POST"])
@requires(WRITE)
@blueprint.arguments(NewInvoiceSchema)
@blueprint.alt_response(201, schema=InvoiceSchema)
def create_invoice(new: NewInvoice) -> Response:
    """Create an invoice

    It gets an address of its own and a QR code. Send an `Idempotency-Key` to be able to repeat the request safely.
    """
    gateway = current()
    return respond(
        creation.create(gateway, principal(), new, idempotency_key(), partial(invoice_text, gateway))
    )


@blueprint.route("/<invoice_id>", methods=["GET"])
@requires(READ, WRITE)
@blueprint.alt_response(200, schema=InvoiceSchema)
def get_invoice(invoice_id: str) -> Response:
    """Get an invoice with its payments"""
    gateway = current()
    return answer_json(invoice_text(gateway, service.get(gateway, principal(), invoice_id)))


@blueprint.route("", methods=["GET"])
@requires(READ, WRITE)
@blueprint.arguments(InvoiceQuery, location="query")
@blueprint.alt_response(200, schema=InvoicePage)
def list_invoices(query: dict[str, Any]) -> Response:
    """List invoices, newest first"""
    gateway = current()
    filters: service.Filters = query["filters"]
    paging: Paging = query["paging"]
    page = service.list_invoices(gateway, principal(), filters, paging)
    return answer_json(page_text(gateway, page))


@blueprint.route("/<invoice_id>/cancel", methods=["POST"])
@requires(WRITE)
@blueprint.arguments(NoFields)
@blueprint.alt_response(200, schema=InvoiceSchema)
def cancel_invoice(_body: dict[str, Any], invoice_id: str) -> Response:
    """Cancel a pending invoice for which nothing has come in"""
    gateway = current()
    return respond(
        service.cancel(gateway, principal(), invoice_id, idempotency_key(), partial(invoice_text, gateway))
    )
