"""Merchants and what belongs to them alone."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.columns import BaseUnits, Moment
from cloudpay.kernel.db import Base


class Merchant(Base):
    """A business that is paid through this gateway; `account_index` is its own account in every key family.

    `payout_network` is where an address is paid that several networks could mean; empty for the gateway's default.
    """

    __tablename__ = "merchants"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    livemode: Mapped[bool]
    account_index: Mapped[int] = mapped_column(unique=True)
    invoice_expiry_minutes: Mapped[int | None]
    webhook_secret: Mapped[bytes] = mapped_column(LargeBinary)
    previous_webhook_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_webhook_secret_until: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    payout_network: Mapped[str | None] = mapped_column(String(40))


class AccountReserve(Base):
    """No new merchant is given an account below `below`: one that a lost database knew may have used it."""

    __tablename__ = "account_reserves"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    below: Mapped[int]


class PayoutCurrency(Base):
    """The asset in which a merchant is paid out on one network when a request names none."""

    __tablename__ = "payout_currencies"

    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    livemode: Mapped[bool]
    symbol: Mapped[str] = mapped_column(String(40))


class PayoutLimit(Base):
    """How much may go out of one asset; `holder` is a key's id, or empty text for the merchant itself."""

    __tablename__ = "payout_limits"

    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    holder: Mapped[str] = mapped_column(String(40), primary_key=True)
    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    asset: Mapped[str] = mapped_column(String(100), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    livemode: Mapped[bool]
    amount: Mapped[int] = mapped_column(BaseUnits)


class User(Base):
    """A person who acts for a merchant."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("merchant_id", "email"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    livemode: Mapped[bool]
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(Moment)


class ApiKey(Base):
    """An API key as its keyed hash; `hint` is its end, so that people can tell keys apart."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), index=True)
    livemode: Mapped[bool]
    name: Mapped[str] = mapped_column(String(100))
    hint: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    addresses: Mapped[list[str]] = mapped_column(JSON)
    rate_limit: Mapped[str | None] = mapped_column(String(100))
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class IdempotencyKey(Base):
    """The answer that a POST with an `Idempotency-Key` got, written in the transaction that did the work."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        UniqueConstraint("merchant_id", "route", "key"),
        Index("ix_idempotency_keys_created_at", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    livemode: Mapped[bool]
    route: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(255))
    content_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
