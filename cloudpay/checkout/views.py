"""The payer's page and its QR codes: whoever holds an invoice's id may see what it asks for, and nothing else."""

from flask import Blueprint, Response, render_template, request

from cloudpay.chains.gateway import current
from cloudpay.checkout.qr import draw_png, draw_svg
from cloudpay.invoices.errors import UnknownInvoice
from cloudpay.invoices.service import get_for_payer
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView, payment_uri

blueprint = Blueprint("checkout", __name__, url_prefix="/pay", template_folder="templates")

PAGE_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_DRAWERS = {"png": (draw_png, "image/png"), "svg": (draw_svg, "image/svg+xml")}
_OPEN = (InvoiceStatus.PENDING, InvoiceStatus.CONFIRMING)
_WORDS = {
    InvoiceStatus.PENDING: "Waiting for your payment",
    InvoiceStatus.CONFIRMING: "Payment seen, waiting for the network to confirm it",
    InvoiceStatus.PAID: "Paid. Thank you.",
    InvoiceStatus.EXPIRED: "This invoice has expired. Please do not send anything to it; ask the shop for a new one.",
    InvoiceStatus.CANCELLED: "This invoice was cancelled. Please do not send anything to it.",
    InvoiceStatus.REVERSED: "The network took the payment back. Please contact the shop.",
}


@blueprint.get("/<invoice_id>")
def page(invoice_id: str) -> Response:
    """Show what to send where, and whether it has arrived."""
    invoice = get_for_payer(current(), invoice_id)
    option = invoice.option
    network = current().chains.network(option.network)
    remaining = max(0, option.amount - option.received)
    html = render_template(
        "checkout.html",
        invoice=invoice,
        network=network.name,
        test_money=not network.live,
        amount=option.shown(option.amount),
        received=option.shown(option.received) if option.received else None,
        remaining=option.shown(remaining) if option.received and remaining else None,
        currency=option.currency,
        address=option.address,
        uri=payment_uri(current(), invoice).uri,
        words=_WORDS[invoice.status],
        is_open=invoice.status in _OPEN,
        needed=network.settings.confirmations,
    )
    response = Response(html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/<invoice_id>/qr.<kind>")
def qr_code(invoice_id: str, kind: str) -> Response:
    """Draw the payment link as a QR code; it never changes, so that a browser may keep it."""
    invoice = get_for_payer(current(), invoice_id)
    if kind not in _DRAWERS:
        raise UnknownInvoice(f"{invoice_id}/qr.{kind}")
    draw, mimetype = _DRAWERS[kind]
    return _kept(invoice, Response(draw(payment_uri(current(), invoice).uri), mimetype=mimetype))


@blueprint.get("/assets/checkout.css")
def style() -> Response:
    """The page's style sheet."""
    return Response(
        render_template("checkout.css"), mimetype="text/css", headers={"Cache-Control": "max-age=3600"}
    )


def _kept(invoice: InvoiceView, response: Response) -> Response:
    response.headers["Cache-Control"] = "private, max-age=86400, immutable"
    response.set_etag(invoice.id)
    response.make_conditional(request)
    return response
