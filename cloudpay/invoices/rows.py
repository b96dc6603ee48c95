"""The rows that a new invoice is kept in."""

from collections.abc import Iterable

from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.invoices.views import InvoiceView, OptionView
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.inserts import NewRow


def invoice_rows(invoice: InvoiceView, undeliverable: Iterable[str], deposit_address_id: str) -> list[NewRow]:
    """Answer the rows of a new invoice whose options are paid at one deposit address."""
    row = {
        "id": invoice.id,
        "merchant_id": invoice.merchant_id,
        "livemode": invoice.livemode,
        "status": invoice.status.value,
        "customer_name": invoice.customer_name,
        "notification_emails": invoice.notification_emails,
        "undeliverable": "\n".join(undeliverable),
        "callback_url": invoice.callback_url,
        "priority": invoice.priority.value,
        "total_usd": invoice.total_usd,
        "created_at": invoice.created_at,
        "expires_at": invoice.expires_at,
        "sequence": invoice.sequence,
        "version": 1,
    }
    options = (
        _option_row(invoice.id, position, option, deposit_address_id)
        for position, option in enumerate(invoice.options)
    )
    return [(InvoiceRow, row), *options]


def _option_row(invoice_id: str, position: int, option: OptionView, deposit_address_id: str) -> NewRow:
    return PaymentOptionRow, {
        "id": new_id("opt_"),
        "invoice_id": invoice_id,
        "position": position,
        "network": option.network,
        "asset": option.asset,
        "symbol": option.currency,
        "decimals": option.decimals,
        "amount": option.amount,
        "deposit_address_id": deposit_address_id,
        "address": option.address,
        "rate": option.rate,
        "rate_source": option.rate_source,
        "quoted_at": option.quoted_at,
    }
