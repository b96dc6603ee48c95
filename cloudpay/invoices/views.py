"""An invoice as merchants and payers see it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import PaymentRequest, PaymentUri
from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.invoices.settlement import Asked
from cloudpay.invoices.states import InvoiceException, InvoiceStatus, Priority
from cloudpay.kernel.money import format_amount
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.views import PaymentView

SHOWN = 100
"""Payments of one invoice that are listed; all of them count."""

Columns = Row[*tuple[Any, ...]]
"""What a statement over plain columns answers: the same names as the rows of `models`."""


@dataclass(frozen=True)
class OptionView:
    """One asset and amount in which an invoice may be paid; amounts are base units."""

    network: str
    asset: str
    currency: str
    decimals: int
    amount: int
    address: str
    rate: str | None
    rate_source: str | None
    quoted_at: datetime | None
    received: int
    confirmed: int

    @property
    def asked(self) -> Asked:
        """What the payments are held against."""
        return Asked(self.network, self.asset, self.address, self.amount)

    def shown(self, units: int) -> str:
        """Write an amount of this option's asset as a decimal string."""
        return format_amount(units, self.decimals)


@dataclass(frozen=True)
class InvoiceView:
    """An invoice with its payments."""

    id: str
    merchant_id: str
    livemode: bool
    status: InvoiceStatus
    exception: InvoiceException | None
    customer_name: str
    notification_emails: str
    callback_url: str | None
    priority: Priority
    total_usd: str | None
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    tx_hash: str | None
    sequence: int
    options: tuple[OptionView, ...]
    payments: tuple[PaymentView, ...]
    warnings: tuple[str, ...]

    @property
    def option(self) -> OptionView:
        """The first option: the one that the published fields describe."""
        return self.options[0]

    @property
    def shown_payments(self) -> tuple[PaymentView, ...]:
        """The payments that are listed, oldest first: of very many the greatest, those that count before others."""
        return _greatest(self.options, self.payments)


def invoice_view(row: InvoiceRow, payments: list[PaymentView]) -> InvoiceView:
    """Show a row and its payments; those that were orphaned are not shown."""
    return view_of(row, row.options, payments)


def view_of(
    row: InvoiceRow | Columns, options: Sequence[PaymentOptionRow | Columns], payments: list[PaymentView]
) -> InvoiceView:
    """Show an invoice by what was read of it, with its options in their order."""
    standing = tuple(each for each in payments if each.status is not PaymentStatus.ORPHANED)
    shown = tuple(_option_view(option, standing) for option in options)
    return InvoiceView(
        id=row.id,
        merchant_id=row.merchant_id,
        livemode=row.livemode,
        status=InvoiceStatus(row.status),
        exception=InvoiceException(row.exception) if row.exception else None,
        customer_name=row.customer_name,
        notification_emails=row.notification_emails,
        callback_url=row.callback_url,
        priority=Priority(row.priority),
        total_usd=row.total_usd,
        created_at=row.created_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        tx_hash=row.paid_tx,
        sequence=row.sequence,
        options=shown,
        payments=standing,
        warnings=(
            *undeliverable_warnings(row.undeliverable.split("\n")),
            *_stray_warnings(shown, _greatest(shown, standing)),
        ),
    )


def payment_uri(gateway: Gateway, invoice: InvoiceView) -> PaymentUri:
    """Answer what a wallet's camera reads to pay this invoice."""
    option = invoice.option
    request = PaymentRequest(option.address, option.asset or None, option.amount, option.decimals, invoice.id)
    return gateway.chains.network(option.network).addresses.payment_uri(request)


def _option_view(row: PaymentOptionRow | Columns, payments: tuple[PaymentView, ...]) -> OptionView:
    asked = Asked(row.network, row.asset, row.address, row.amount)
    matching = [each for each in payments if asked.matches(each)]
    return OptionView(
        network=row.network,
        asset=row.asset,
        currency=row.symbol,
        decimals=row.decimals,
        amount=row.amount,
        address=row.address,
        rate=row.rate,
        rate_source=row.rate_source,
        quoted_at=row.quoted_at,
        received=sum(each.amount for each in matching),
        confirmed=sum(each.amount for each in matching if each.status is PaymentStatus.FINAL),
    )


def undeliverable_warnings(entries: Iterable[str]) -> tuple[str, ...]:
    """Name each entry of `notification_emails` that nothing can be sent to."""
    return tuple(
        f"notification_emails: {entry!r} is neither an e-mail address nor a notification channel; "
        "nothing is sent to it."
        for entry in entries
        if entry
    )


def _greatest(options: tuple[OptionView, ...], payments: tuple[PaymentView, ...]) -> tuple[PaymentView, ...]:
    if len(payments) <= SHOWN:
        return payments
    asked = [option.asked for option in options]
    order = sorted(
        payments,
        key=lambda each: (any(one.matches(each) for one in asked), each.amount),
        reverse=True,
    )
    kept = {each.id for each in order[:SHOWN]}
    return tuple(each for each in payments if each.id in kept)


def _stray_warnings(options: tuple[OptionView, ...], payments: tuple[PaymentView, ...]) -> tuple[str, ...]:
    return tuple(
        f"payment {each.id}: it came in another asset or on another network than this invoice asks for; it is kept, "
        "and does not count."
        for each in payments
        if not any(option.asked.matches(each) for option in options)
    )
