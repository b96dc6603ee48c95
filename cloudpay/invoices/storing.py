"""Put a new invoice into its tables: plain inserts, since nothing of it is in the session yet."""

from collections.abc import Iterable

from sqlalchemy import insert
from sqlalchemy.orm import Session

from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel.db import table_of
from cloudpay.kernel.ids import new_id

_INVOICE, _OPTION = insert(table_of(InvoiceRow)), insert(table_of(PaymentOptionRow))


def insert_invoice(
    session: Session, invoice: InvoiceView, undeliverable: Iterable[str], deposit_address_id: str
) -> None:
    """Write a new invoice whose options are paid at one deposit address, in the caller's transaction."""
    session.execute(
        _INVOICE,
        {
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
        },
    )
    for position, option in enumerate(invoice.options):
        session.execute(
            _OPTION,
            {
                "id": new_id("opt_"),
                "invoice_id": invoice.id,
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
            },
        )
