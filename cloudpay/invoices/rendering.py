"""From an invoice to what the API answers."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.views import InvoiceView, OptionView, payment_uri
from cloudpay.kernel.money import format_amount
from cloudpay.kernel.paging import Page
from cloudpay.payments.views import PaymentView


def invoice_text(gateway: Gateway, invoice: InvoiceView) -> str:
    """Write an invoice as the API answers it."""
    return _dump(invoice_answer(gateway, invoice))


def page_text(gateway: Gateway, page: Page[InvoiceView]) -> str:
    """Write a page of invoices as the API answers it."""
    items = [invoice_answer(gateway, each) for each in page.items]
    return _dump(
        {"page": page.page, "limit": page.limit, "more": page.more, "anchor": page.anchor, "items": items}
    )


def invoice_answer(gateway: Gateway, invoice: InvoiceView) -> Mapping[str, Any]:
    """Answer the fields of `InvoiceSchema`; amounts as decimal strings, addresses of pages absolute.

    What only a network that is served can say is None, where it has been taken out of the settings since.
    """
    option = invoice.option
    uri = payment_uri(gateway, invoice) if gateway.chains.get(option.network) else None
    page = f"{gateway.settings.web.url}/pay/{invoice.id}"
    browser = (
        None
        if uri is None or uri.browser is None
        else {"method": uri.browser.method, "params": json.loads(uri.browser.params)}
    )
    return {
        "id": invoice.id,
        "invoice_id": invoice.id,
        "status": invoice.status.value,
        "exception": invoice.exception.value if invoice.exception else None,
        "livemode": invoice.livemode,
        "amount": option.shown(option.amount),
        "currency": option.currency,
        "network": option.network,
        "address_in": option.address,
        "received_amount": option.shown(option.received),
        "confirmed_amount": option.shown(option.confirmed),
        "tx_hash": invoice.tx_hash,
        "totalusd": invoice.total_usd,
        "payment_uri": uri.uri if uri else None,
        "browser_payment": browser,
        "checkout_url": page,
        "qr_png_url": f"{page}/qr.png",
        "qr_svg_url": f"{page}/qr.svg",
        "customer_name": invoice.customer_name,
        "notification_emails": invoice.notification_emails,
        "callback_url": invoice.callback_url,
        "priority": invoice.priority.value,
        "created_at": invoice.created_at,
        "expires_at": invoice.expires_at,
        "paid_at": invoice.paid_at,
        "sequence": invoice.sequence,
        "payment_options": [_option(each) for each in invoice.options],
        "payments": [_payment(gateway, each, invoice.options) for each in invoice.shown_payments],
        "payments_total": len(invoice.payments),
        "warnings": invoice.warnings,
    }


def _option(option: OptionView) -> Mapping[str, Any]:
    return {
        "network": option.network,
        "currency": option.currency,
        "token_address": option.asset or None,
        "amount": option.shown(option.amount),
        "address_in": option.address,
        "rate": option.rate,
        "rate_source": option.rate_source,
        "quoted_at": option.quoted_at,
    }


def _payment(gateway: Gateway, payment: PaymentView, options: tuple[OptionView, ...]) -> Mapping[str, Any]:
    network = gateway.chains.get(payment.network)
    listed = network.asset_of(payment.asset) if network else None
    # The option knows what it asks for, also when that is listed no more.
    symbol, decimals = next(
        ((each.currency, each.decimals) for each in options if each.asked.matches(payment)),
        (listed.symbol, listed.decimals) if listed else (payment.asset, 0),
    )
    return {
        "id": payment.id,
        "status": payment.status.value,
        "network": payment.network,
        "currency": symbol,
        "amount": format_amount(payment.amount, decimals),
        "tx_hash": payment.tx_hash,
        "sender": payment.sender,
        "confirmations": payment.confirmations,
        "confirmations_required": network.settings.confirmations if network else None,
        "first_seen_at": payment.first_seen_at,
        "block_time": payment.block_time,
    }


def _dump(answer: Mapping[str, Any]) -> str:
    """Write what is JSON already but for its times; the schema documents it, and a test holds one against the other."""
    return json.dumps(answer, default=datetime.isoformat, separators=(",", ":"))
