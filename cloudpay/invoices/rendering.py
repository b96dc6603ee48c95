"""From an invoice to what the API answers."""

import json
from collections.abc import Mapping
from typing import Any

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.views import InvoiceView, OptionView, payment_uri
from cloudpay.kernel.money import format_amount
from cloudpay.payments.views import PaymentView


def invoice_answer(gateway: Gateway, invoice: InvoiceView) -> Mapping[str, Any]:
    """Answer the fields of `InvoiceSchema`; amounts as decimal strings, addresses of pages absolute."""
    option = invoice.option
    uri = payment_uri(gateway, invoice)
    page = f"{gateway.settings.web.url}/pay/{invoice.id}"
    browser = (
        None
        if uri.browser is None
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
        "payment_uri": uri.uri,
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
        "payments": [_payment(gateway, each) for each in invoice.payments],
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


def _payment(gateway: Gateway, payment: PaymentView) -> Mapping[str, Any]:
    network = gateway.chains.network(payment.network)
    asset = network.asset_of(payment.asset)
    return {
        "id": payment.id,
        "status": payment.status.value,
        "network": payment.network,
        "currency": asset.symbol if asset else payment.asset,
        "amount": format_amount(payment.amount, asset.decimals if asset else 0),
        "tx_hash": payment.tx_hash,
        "sender": payment.sender,
        "confirmations": payment.confirmations,
        "confirmations_required": network.settings.confirmations,
        "first_seen_at": payment.first_seen_at,
        "block_time": payment.block_time,
    }
