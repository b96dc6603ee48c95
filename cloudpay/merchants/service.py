"""Merchants: create them, look them up, and keep the secrets that sign their webhooks."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.ids import new_id
from cloudpay.merchants.accounts import next_account
from cloudpay.merchants.errors import InvalidField, UnknownMerchant
from cloudpay.merchants.models import Merchant, PayoutCurrency
from cloudpay.merchants.principal import Principal, Terms
from cloudpay.merchants.text import check_line

SECRET_PURPOSE = "webhook secret"  # noqa: S105  # names the secret's use, and is none
SECRET_WINDOW = timedelta(hours=24)
MAX_EXPIRY_MINUTES = 43_200
_SECRET_BYTES = 32  # Standard Webhooks asks for 24 to 64


@dataclass(frozen=True)
class MerchantView:
    """A merchant without its secrets; `payout_currencies` maps network code to symbol.

    `payout_network` is its default for addresses that several networks could mean; None is the gateway's.
    """

    id: str
    name: str
    livemode: bool
    account_index: int
    invoice_expiry_minutes: int | None
    payout_currencies: Mapping[str, str]
    payout_network: str | None
    created_at: datetime


@dataclass(frozen=True)
class MerchantAccount:
    """Which account of every key family is a merchant's own."""

    id: str
    livemode: bool
    index: int


def create_merchant(
    gateway: Gateway,
    name: str,
    *,
    livemode: bool,
    payout_currencies: Mapping[str, str],
    actor: str,
    invoice_expiry_minutes: int | None = None,
) -> MerchantView:
    """Create a merchant with the next free account; raises `InvalidField`, `UnknownNetwork`, `UnknownAsset`."""
    check_line("name", name, 100)
    _check_expiry(invoice_expiry_minutes)
    currencies = _resolve(gateway, payout_currencies)

    def work(session: Session) -> MerchantView:
        merchant = Merchant(
            id=new_id("mer_"),
            name=name,
            livemode=livemode,
            account_index=next_account(session),
            invoice_expiry_minutes=invoice_expiry_minutes,
            webhook_secret=_new_secret(gateway),
            created_at=gateway.clock.now(session),
        )
        session.add(merchant)
        session.flush()
        _put_currencies(session, merchant, currencies)
        _record(session, merchant, actor, "merchant.created", {"name": name, **currencies})
        return _view(session, merchant)

    return gateway.db.run(work)


def put_back(session: Session, gateway: Gateway, known: MerchantView) -> None:
    """Make a merchant again as a backup tells of it, in the caller's transaction; its webhook secret is a new one."""
    merchant = Merchant(
        id=known.id,
        name=known.name,
        livemode=known.livemode,
        account_index=known.account_index,
        invoice_expiry_minutes=known.invoice_expiry_minutes,
        webhook_secret=_new_secret(gateway),
        created_at=known.created_at,
    )
    session.add(merchant)
    session.flush()
    _put_currencies(session, merchant, known.payout_currencies)


def get_merchant(gateway: Gateway, merchant_id: str) -> MerchantView:
    """Answer one merchant; raises `UnknownMerchant`."""
    with gateway.db.read() as session:
        return merchant_of(session, merchant_id)


def merchant_of(session: Session, merchant_id: str) -> MerchantView:
    """Answer one merchant inside the caller's transaction; raises `UnknownMerchant`."""
    return _view(session, find_merchant(session, merchant_id))


def terms_of(gateway: Gateway, principal: Principal) -> Terms:
    """Answer what this merchant's invoices are made with; raises `UnknownMerchant`."""
    if principal.terms is not None:
        return principal.terms
    with gateway.db.read() as session:
        merchant = find_merchant(session, principal.merchant_id)
        return Terms(merchant.account_index, merchant.invoice_expiry_minutes)


def list_merchants(gateway: Gateway) -> tuple[MerchantView, ...]:
    """Answer all merchants, oldest first."""
    with gateway.db.read() as session:
        return all_merchants(session)


def all_merchants(session: Session) -> tuple[MerchantView, ...]:
    """Answer all merchants inside the caller's transaction, oldest first."""
    rows = session.scalars(select(Merchant).order_by(Merchant.id)).all()
    return tuple(_view(session, row) for row in rows)


def merchant_accounts(session: Session) -> list[MerchantAccount]:
    """Answer the account of every merchant, in the order in which they were given."""
    rows = session.execute(
        select(Merchant.id, Merchant.livemode, Merchant.account_index).order_by(Merchant.account_index)
    )
    return [MerchantAccount(*row) for row in rows]


def merchant_account(session: Session, merchant_id: str) -> MerchantAccount:
    """Answer one merchant's account; raises `UnknownMerchant`."""
    merchant = find_merchant(session, merchant_id)
    return MerchantAccount(merchant.id, merchant.livemode, merchant.account_index)


def set_payout_currencies(
    gateway: Gateway, merchant_id: str, payout_currencies: Mapping[str, str], *, actor: str
) -> MerchantView:
    """Set the payout currency of the named networks; others keep theirs."""
    currencies = _resolve(gateway, payout_currencies)

    def work(session: Session) -> MerchantView:
        merchant = find_merchant(session, merchant_id)
        _put_currencies(session, merchant, currencies)
        _record(session, merchant, actor, "merchant.payout_currencies_set", currencies)
        return _view(session, merchant)

    return gateway.db.run(work)


def set_payout_network(gateway: Gateway, merchant_id: str, code: str | None, *, actor: str) -> MerchantView:
    """Set where payouts go whose address several networks could mean; None takes the gateway's default.

    Raises `UnknownNetwork`, `UnknownMerchant` and `InvalidField`.
    """
    network = None if code is None else gateway.chains.network(code)

    def work(session: Session) -> MerchantView:
        merchant = find_merchant(session, merchant_id)
        if network is not None and network.live != merchant.livemode:
            kind = "live" if merchant.livemode else "test"
            raise InvalidField(
                "network", f"The merchant is a {kind} one; {network.code} is no {kind} network."
            )
        merchant.payout_network = None if network is None else network.code
        details = {"network": merchant.payout_network or ""}
        _record(session, merchant, actor, "merchant.payout_network_set", details)
        return _view(session, merchant)

    return gateway.db.run(work)


def set_invoice_expiry(
    gateway: Gateway, merchant_id: str, minutes: int | None, *, actor: str
) -> MerchantView:
    """Set how long this merchant's invoices stay open; None takes the gateway's default."""
    _check_expiry(minutes)

    def work(session: Session) -> MerchantView:
        merchant = find_merchant(session, merchant_id)
        merchant.invoice_expiry_minutes = minutes
        _record(session, merchant, actor, "merchant.invoice_expiry_set", {"minutes": str(minutes)})
        return _view(session, merchant)

    return gateway.db.run(work)


def webhook_secrets(gateway: Gateway, merchant_id: str) -> tuple[str, ...]:
    """Answer the secrets (`whsec_…`) that sign this merchant's webhooks: the current one, then one still valid."""
    with gateway.db.read() as session:
        merchant = find_merchant(session, merchant_id)
        sealed = [merchant.webhook_secret]
        until = merchant.previous_webhook_secret_until
        if merchant.previous_webhook_secret and until and gateway.clock.now(session) < until:
            sealed.append(merchant.previous_webhook_secret)
    return tuple(gateway.app_key.sealing.open(each, SECRET_PURPOSE).decode() for each in sealed)


def rotate_webhook_secret(
    gateway: Gateway, merchant_id: str, *, actor: str, window: timedelta = SECRET_WINDOW
) -> str:
    """Make a new secret and answer it; the old one signs beside it for `window`."""
    secret = _new_secret(gateway)

    def work(session: Session) -> None:
        merchant = find_merchant(session, merchant_id)
        if merchant.webhook_secret == secret:  # done again: the commit was made, and its acknowledgement lost
            return
        merchant.previous_webhook_secret = merchant.webhook_secret
        merchant.previous_webhook_secret_until = gateway.clock.now(session) + window
        merchant.webhook_secret = secret
        _record(session, merchant, actor, "merchant.webhook_secret_rotated", {"window": str(window)})

    gateway.db.run(work)
    return gateway.app_key.sealing.open(secret, SECRET_PURPOSE).decode()


def find_merchant(session: Session, merchant_id: str) -> Merchant:
    """Find the row, for this capability's own files; raises `UnknownMerchant`."""
    merchant = session.get(Merchant, merchant_id)
    if merchant is None:
        raise UnknownMerchant(merchant_id)
    return merchant


def _new_secret(gateway: Gateway) -> bytes:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    return gateway.app_key.sealing.seal(secret.encode(), SECRET_PURPOSE)


def _resolve(gateway: Gateway, currencies: Mapping[str, str]) -> dict[str, str]:
    """Answer the codes and symbols as the registry writes them."""
    networks = {code: gateway.chains.network(code) for code in currencies}
    return {network.code: network.asset(currencies[code]).symbol for code, network in networks.items()}


def _check_expiry(minutes: int | None) -> None:
    if minutes is not None and not 1 <= minutes <= MAX_EXPIRY_MINUTES:
        sentence = f"An invoice can stay open for 1 to {MAX_EXPIRY_MINUTES} minutes, not {minutes}."
        raise InvalidField("invoice_expiry_minutes", sentence)


def _put_currencies(session: Session, merchant: Merchant, currencies: Mapping[str, str]) -> None:
    for network, symbol in currencies.items():
        session.merge(
            PayoutCurrency(
                merchant_id=merchant.id, network=network, livemode=merchant.livemode, symbol=symbol
            )
        )


def _record(
    session: Session, merchant: Merchant, actor: str, action: str, details: Mapping[str, str]
) -> None:
    record(
        session,
        actor=actor,
        action=action,
        subject=merchant.id,
        merchant_id=merchant.id,
        livemode=merchant.livemode,
        details=details,
    )


def _view(session: Session, merchant: Merchant) -> MerchantView:
    currencies = select(PayoutCurrency).where(PayoutCurrency.merchant_id == merchant.id)
    return MerchantView(
        id=merchant.id,
        name=merchant.name,
        livemode=merchant.livemode,
        account_index=merchant.account_index,
        invoice_expiry_minutes=merchant.invoice_expiry_minutes,
        payout_currencies={
            each.network: each.symbol for each in session.scalars(currencies.order_by(PayoutCurrency.network))
        },
        payout_network=merchant.payout_network,
        created_at=merchant.created_at,
    )
