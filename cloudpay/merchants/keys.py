"""API keys: random, shown once, kept as keyed hashes, scoped, revocable."""

import hmac
import ipaddress
import secrets
import string
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from limits import parse_many
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.clock import time_of_day
from cloudpay.kernel.db import table_of
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.prepared import Prepared
from cloudpay.merchants.errors import BadKey, InvalidField, UnknownKey
from cloudpay.merchants.models import ApiKey, Merchant, PayoutLimit
from cloudpay.merchants.principal import Principal, Terms
from cloudpay.merchants.service import find_merchant
from cloudpay.merchants.states import Scope
from cloudpay.merchants.text import check_line

_ALPHABET = string.ascii_letters + string.digits
_RANDOM = 43  # base62 digits: 256 bits
_LONGEST = 200  # a longer text is no key, and is not hashed
_USE_NOTED_EVERY = timedelta(minutes=1)

_KEYS, _MERCHANTS = table_of(ApiKey).c, table_of(Merchant).c
_BY_DIGEST = Prepared(
    select(
        _KEYS.id,
        _KEYS.digest,
        _KEYS.merchant_id,
        _KEYS.livemode,
        _KEYS.scopes,
        _KEYS.addresses,
        _KEYS.rate_limit,
        _KEYS.expires_at,
        _KEYS.revoked_at,
        _KEYS.last_used_at,
        _MERCHANTS.account_index,
        _MERCHANTS.invoice_expiry_minutes,
        time_of_day().label("time_of_day"),
    )
    .join_from(table_of(ApiKey), table_of(Merchant), _KEYS.merchant_id == _MERCHANTS.id)
    .where(_KEYS.digest == bindparam("digest"))
)
"""Every request begins with it: plain columns, one statement, the time with it."""

_log = get_logger(__name__)


@dataclass(frozen=True)
class KeyView:
    """An API key without its secret; `hint` is how it begins and ends, `addresses` are networks in CIDR notation."""

    id: str
    merchant_id: str
    livemode: bool
    name: str
    hint: str
    scopes: tuple[str, ...]
    addresses: tuple[str, ...]
    rate_limit: str | None
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class NewKey:
    """A key just made; `secret` (`sk_…`) is shown now and never again."""

    view: KeyView
    secret: str


def create_key(
    gateway: Gateway,
    merchant_id: str,
    *,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None = None,
    addresses: Collection[str] = (),
    rate_limit: str | None = None,
    actor: str,
) -> NewKey:
    """Make a key; `rate_limit` as `100 per minute`; raises `InvalidField`, `UnknownMerchant`."""
    check_line("name", name, 100)
    wanted, networks = _check_scopes(scopes), _check_addresses(addresses)
    _check_limit(rate_limit)

    def work(session: Session) -> NewKey:
        now = gateway.clock.now(session)
        if expires_at is not None and expires_at <= now:
            raise InvalidField("expires_at", "The key would be expired already; name a time to come.")
        key, secret = _new_row(gateway, session, merchant_id, now)
        key.name, key.scopes, key.addresses = name, wanted, networks
        key.rate_limit, key.expires_at = rate_limit, expires_at
        session.add(key)
        _record(session, key, actor, "key.created")
        return NewKey(_view(key), secret)

    return gateway.db.run(work)


def rotate_key(gateway: Gateway, merchant_id: str, key_id: str, *, window: timedelta, actor: str) -> NewKey:
    """Make a key with the same permissions; the old one stays valid for `window`, then expires."""

    def work(session: Session) -> NewKey:
        old, now = _find(session, merchant_id, key_id), gateway.clock.now(session)
        key, secret = _new_row(gateway, session, merchant_id, now)
        key.name, key.scopes, key.addresses = old.name, list(old.scopes), list(old.addresses)
        key.rate_limit, key.expires_at = old.rate_limit, old.expires_at
        old.expires_at = min(old.expires_at or now + window, now + window)
        session.add(key)
        _copy_limits(session, old, key)
        _record(session, old, actor, "key.rotated")
        _record(session, key, actor, "key.created")
        return NewKey(_view(key), secret)

    return gateway.db.run(work)


def list_keys(gateway: Gateway, merchant_id: str) -> tuple[KeyView, ...]:
    """Answer a merchant's keys, oldest first, revoked ones too; raises `UnknownMerchant`."""
    with gateway.db.read() as session:
        find_merchant(session, merchant_id)
        rows = session.scalars(select(ApiKey).where(ApiKey.merchant_id == merchant_id).order_by(ApiKey.id))
        return tuple(_view(row) for row in rows)


def revoke_key(gateway: Gateway, merchant_id: str, key_id: str, *, actor: str) -> KeyView:
    """Make a key useless from now on; a second time changes nothing. Raises `UnknownKey`."""

    def work(session: Session) -> KeyView:
        key = _find(session, merchant_id, key_id)
        if key.revoked_at is None:
            key.revoked_at = gateway.clock.now(session)
            _record(session, key, actor, "key.revoked")
        return _view(key)

    return gateway.db.run(work)


def authenticate(gateway: Gateway, secret: str) -> Principal:
    """Answer whose key this is; raises `BadKey`, after the same work, for every key that is not valid.

    Nothing is kept from one request to the next: a key that was revoked is refused at once, by every process.
    """
    digest = gateway.app_key.digest(secret[:_LONGEST])
    key = gateway.db.ask(lambda connection: _BY_DIGEST.first(connection, {"digest": digest}))
    if key is None or len(secret) > _LONGEST or not hmac.compare_digest(key.digest, digest):
        raise BadKey
    now = gateway.clock.told(key.time_of_day)
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise BadKey
    if key.last_used_at is None or key.last_used_at <= now - _USE_NOTED_EVERY:
        _note_use(gateway, key.id, now)
    return Principal(
        key_id=key.id,
        merchant_id=key.merchant_id,
        livemode=key.livemode,
        scopes=frozenset(key.scopes),
        addresses=tuple(key.addresses),
        rate_limit=key.rate_limit,
        terms=Terms(key.account_index, key.invoice_expiry_minutes),
    )


def _note_use(gateway: Gateway, key_id: str, now: datetime) -> None:
    """Keep when the key was last used; a database too busy for that is no reason to refuse the request."""
    due = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - _USE_NOTED_EVERY)
    statement = update(ApiKey).where(ApiKey.id == key_id, due).values(last_used_at=now)
    try:
        with (
            gateway.db.transaction() as session
        ):  # once: a request must not wait for this as for its own work
            session.execute(statement)
    except OperationalError as error:
        _log.warning("key_use_not_noted", key_id=key_id, error=type(error).__name__)


def _new_row(gateway: Gateway, session: Session, merchant_id: str, now: datetime) -> tuple[ApiKey, str]:
    merchant = find_merchant(session, merchant_id)
    secret = "sk_" + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    key = ApiKey(
        id=new_id("key_"),
        merchant_id=merchant.id,
        livemode=merchant.livemode,
        hint=f"sk_…{secret[-4:]}",
        digest=gateway.app_key.digest(secret),
        created_at=now,
    )
    return key, secret


def _copy_limits(session: Session, old: ApiKey, new: ApiKey) -> None:
    """A key that takes another's place may pay out no more than that."""
    limits = select(PayoutLimit).where(
        PayoutLimit.merchant_id == old.merchant_id, PayoutLimit.holder == old.id
    )
    for each in session.scalars(limits).all():
        session.add(
            PayoutLimit(
                merchant_id=each.merchant_id,
                holder=new.id,
                network=each.network,
                asset=each.asset,
                kind=each.kind,
                livemode=each.livemode,
                amount=each.amount,
            )
        )


def _find(session: Session, merchant_id: str, key_id: str) -> ApiKey:
    key = session.scalar(select(ApiKey).where(ApiKey.id == key_id, ApiKey.merchant_id == merchant_id))
    if key is None:
        raise UnknownKey(key_id)
    return key


def _check_scopes(scopes: Collection[str]) -> list[str]:
    unknown = sorted(set(scopes) - set(Scope))
    if unknown or not scopes:
        named = f"There is no scope {unknown[0]!r}" if unknown else "A key needs at least one scope"
        raise InvalidField("scopes", f"{named}; choose from: {', '.join(Scope)}.")
    return sorted(set(scopes))


def _check_addresses(addresses: Collection[str]) -> list[str]:
    try:
        return [str(ipaddress.ip_network(each.strip(), strict=False)) for each in addresses]
    except ValueError as error:
        raise InvalidField(
            "addresses", f"The address list cannot be used: {error}. Write 192.0.2.7 or 192.0.2.0/24."
        ) from error


def _check_limit(rate_limit: str | None) -> None:
    if rate_limit is None:
        return
    try:
        parse_many(rate_limit)
    except ValueError as error:
        raise InvalidField(
            "rate_limit", f"The rate limit {rate_limit!r} cannot be read; write it as `100 per minute`."
        ) from error


def _record(session: Session, key: ApiKey, actor: str, action: str) -> None:
    details = {"name": key.name, "hint": key.hint, "scopes": " ".join(key.scopes)}
    record(
        session,
        actor=actor,
        action=action,
        subject=key.id,
        merchant_id=key.merchant_id,
        livemode=key.livemode,
        details=details,
    )


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        merchant_id=key.merchant_id,
        livemode=key.livemode,
        name=key.name,
        hint=key.hint,
        scopes=tuple(key.scopes),
        addresses=tuple(key.addresses),
        rate_limit=key.rate_limit,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        created_at=key.created_at,
    )
