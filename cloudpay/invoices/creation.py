"""Create an invoice: an address of its own, a frozen amount, one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Asset
from cloudpay.invoices.recipients import Recipients, parse_recipients
from cloudpay.invoices.rows import invoice_rows
from cloudpay.invoices.service import get_for_payer
from cloudpay.invoices.states import InvoiceStatus, Priority
from cloudpay.invoices.views import InvoiceView, OptionView, undeliverable_warnings
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.inserts import insert_rows
from cloudpay.kernel.money import MAX_BASE_UNITS, InvalidAmount, to_base_units
from cloudpay.kernel.urls import check_public_url
from cloudpay.merchants.errors import ModeMismatch
from cloudpay.merchants.idempotency import StoredAnswer, once, remember
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import terms_of
from cloudpay.payments.balances import native_watch
from cloudpay.payments.networks import require_open
from cloudpay.rates.service import quote
from cloudpay.wallets.service import PlannedAddress, assign, deposit_row, deposits, drop_plan, plan_deposit

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
    recipients = parse_recipients(new.notification_emails)
    terms = terms_of(gateway, principal)
    planned = plan_deposit(gateway, network, terms.account_index)
    passing(Failpoint.ADDRESS_PLANNED)
    tried = False

    def work(session: Session) -> StoredAnswer:
        nonlocal tried
        earlier = once(session, gateway, principal, ROUTE, key, new)
        if earlier is not None:
            return earlier
        require_open(session, gateway, network)
        tried = True  # from here on a commit may stand whose acknowledgement is lost
        now = gateway.clock.now(session)
        option = _option(gateway, new, asset, planned, now)
        minutes = new.expiry_minutes or terms.invoice_expiry_minutes
        until = now + timedelta(minutes=minutes or gateway.settings.invoices.expiry_minutes)
        invoice = _pending(principal, new, recipients, option, now, until)
        deposit = assign(planned, principal.merchant_id, invoice.id, livemode=invoice.livemode, now=now)
        rows = [deposit_row(deposit), *invoice_rows(invoice, recipients.undeliverable, deposit.id)]
        if asset.contract is None:
            rows.append(native_watch(network, deposit, invoice.expires_at))
        insert_rows(session, rows)
        passing(Failpoint.INVOICE_INSERTED)
        return remember(session, principal, ROUTE, key, 201, render(invoice))

    try:
        answer = gateway.db.run(work)
    except IntegrityError:
        standing = _standing(gateway, planned)
        if standing is None:
            raise
        answer = StoredAnswer(201, render(standing))
    finally:
        if not tried:  # an answer given again, or a network that is closed
            drop_plan(gateway, planned)
    passing(Failpoint.INVOICE_STORED)
    return answer


def _standing(gateway: Gateway, planned: PlannedAddress) -> InvoiceView | None:
    """Answer the invoice that has the planned address already, if there is one.

    The address is nobody else's, so it is the invoice of a first attempt: its commit stood, and only the database's
    acknowledgement was lost, as when its server restarts.
    """
    with gateway.db.read() as session:
        found = deposits(session, planned.key_family, [planned.address]).get(planned.address)
    return get_for_payer(gateway, found.invoice_id) if found else None


def _pending(
    principal: Principal,
    new: NewInvoice,
    recipients: Recipients,
    option: OptionView,
    now: datetime,
    until: datetime,
) -> InvoiceView:
    """Answer the invoice as it begins: nothing has come in."""
    return InvoiceView(
        id=new_id("INV-"),
        merchant_id=principal.merchant_id,
        livemode=principal.livemode,
        status=InvoiceStatus.PENDING,
        exception=None,
        customer_name=new.customer_name,
        notification_emails=recipients.text,
        callback_url=new.callback_url,
        priority=new.priority,
        total_usd=None if new.total_usd is None else f"{new.total_usd:f}",
        created_at=now,
        expires_at=until,
        paid_at=None,
        tx_hash=None,
        sequence=0,
        options=(option,),
        payments=(),
        warnings=undeliverable_warnings(recipients.undeliverable),
    )


def _option(
    gateway: Gateway, new: NewInvoice, asset: Asset, planned: PlannedAddress, now: datetime
) -> OptionView:
    """Answer what is to be paid; with `totalusd`, at the price of this moment. Raises `RateUnavailable`."""
    quoted = None if new.total_usd is None else quote(gateway.settings.rates, asset, new.total_usd, now)
    return OptionView(
        network=asset.network,
        asset=asset.key,
        currency=asset.symbol,
        decimals=asset.decimals,
        amount=quoted.amount if quoted else _units(new.amount, asset),
        address=planned.address,
        rate=f"{quoted.rate:f}" if quoted else None,
        rate_source=quoted.source if quoted else None,
        quoted_at=quoted.at if quoted else None,
        received=0,
        confirmed=0,
    )


def _units(amount: Decimal | None, asset: Asset) -> int:
    if amount is None:
        raise ValueError("a new invoice needs `amount` or `total_usd`")
    units = to_base_units(amount, asset.decimals)
    if units > MAX_BASE_UNITS:
        raise InvalidAmount(f"{amount:f}", f"is more than any {asset.symbol} there can be")
    return units
