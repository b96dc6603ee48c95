"""Create an invoice: an address of its own, a frozen amount, one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Asset, Network
from cloudpay.invoices.errors import ModeMismatch
from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.invoices.recipients import parse_recipients
from cloudpay.invoices.states import InvoiceStatus, Priority
from cloudpay.invoices.views import InvoiceView, invoice_view
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.money import MAX_BASE_UNITS, InvalidAmount, to_base_units
from cloudpay.kernel.urls import check_public_url
from cloudpay.merchants.idempotency import StoredAnswer, once, remember
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import MerchantView, merchant_of
from cloudpay.outbox.service import append
from cloudpay.payments.balances import expect_native
from cloudpay.payments.networks import require_open
from cloudpay.rates.service import quote
from cloudpay.wallets.service import PlannedAddress, insert_deposit, plan_deposit

ROUTE = "POST /api/invoice"

Render = Callable[[InvoiceView], str]


@dataclass(frozen=True)
class NewInvoice:
    """What a merchant asks for; exactly one of `amount` and `total_usd` is set."""

    amount: Decimal | None
    total_usd: Decimal | None
    currency: str
    network: str | None
    customer_name: str
    notification_emails: str
    callback_url: str | None
    priority: Priority
    expiry_minutes: int | None


def create(
    gateway: Gateway, principal: Principal, new: NewInvoice, key: str | None, render: Render
) -> StoredAnswer:
    """Create an invoice with an address of its own; with an idempotency key, at most once.

    Raises `UnknownNetwork`, `UnknownAsset`, `InvalidAmount`, `RateUnavailable`, `NetworkClosed`, `ModeMismatch` and the
    errors of idempotency keys.
    """
    asset = gateway.chains.find_asset(new.currency, new.network)
    network = gateway.chains.network(asset.network)
    if network.live != principal.livemode:
        raise ModeMismatch(network.code, live=network.live)
    if new.callback_url is not None:
        check_public_url(new.callback_url, allow_private=gateway.settings.webhooks.allow_private_targets)
    if new.amount is not None:
        _units(new.amount, asset)  # refuse before an address is planned
    with gateway.db.read() as session:
        merchant = merchant_of(session, principal.merchant_id)
    planned = plan_deposit(gateway, network, merchant.account_index)
    passing(Failpoint.ADDRESS_PLANNED)

    def work(session: Session) -> StoredAnswer:
        earlier = once(session, gateway, principal, ROUTE, key, new)
        if earlier is not None:
            return earlier
        require_open(session, gateway, network)
        row = _insert(session, gateway, merchant, new, network, asset, planned)
        passing(Failpoint.INVOICE_INSERTED)
        return remember(session, principal, ROUTE, key, 201, render(invoice_view(row, [])))

    answer = gateway.db.run(work)
    passing(Failpoint.INVOICE_STORED)
    return answer


def _insert(
    session: Session,
    gateway: Gateway,
    merchant: MerchantView,
    new: NewInvoice,
    network: Network,
    asset: Asset,
    planned: PlannedAddress,
) -> InvoiceRow:
    now = gateway.clock.now(session)
    minutes = (
        new.expiry_minutes or merchant.invoice_expiry_minutes or gateway.settings.invoices.expiry_minutes
    )
    recipients = parse_recipients(new.notification_emails)
    row = InvoiceRow(
        id=new_id("INV-"),
        merchant_id=merchant.id,
        livemode=network.live,
        status=InvoiceStatus.PENDING,
        customer_name=new.customer_name,
        notification_emails=recipients.text,
        undeliverable="\n".join(recipients.undeliverable),
        callback_url=new.callback_url,
        priority=new.priority,
        total_usd=None if new.total_usd is None else f"{new.total_usd:f}",
        created_at=now,
        expires_at=now + timedelta(minutes=minutes),
        sequence=0,
    )
    deposit = insert_deposit(
        session, planned, merchant_id=row.merchant_id, invoice_id=row.id, livemode=row.livemode, now=now
    )
    row.options.append(_option(gateway, new, asset, planned, deposit.id, now))
    session.add(row)
    if asset.contract is None:
        expect_native(session, gateway, network, deposit, row.expires_at)
    append(session, gateway.clock, "invoice.created", row.id)
    session.flush()
    return row


def _option(
    gateway: Gateway, new: NewInvoice, asset: Asset, planned: PlannedAddress, deposit_id: str, now: datetime
) -> PaymentOptionRow:
    option = PaymentOptionRow(
        id=new_id("opt_"),
        position=0,
        network=asset.network,
        asset=asset.key,
        symbol=asset.symbol,
        decimals=asset.decimals,
        deposit_address_id=deposit_id,
        address=planned.address,
    )
    if new.amount is not None:
        option.amount = _units(new.amount, asset)
    elif new.total_usd is not None:
        quoted = quote(gateway.settings.rates, asset, new.total_usd, now)
        option.amount, option.rate = quoted.amount, f"{quoted.rate:f}"
        option.rate_source, option.quoted_at = quoted.source, quoted.at
    return option


def _units(amount: Decimal, asset: Asset) -> int:
    units = to_base_units(amount, asset.decimals)
    if units > MAX_BASE_UNITS:
        raise InvalidAmount(f"{amount:f}", f"is more than any {asset.symbol} there can be")
    return units
