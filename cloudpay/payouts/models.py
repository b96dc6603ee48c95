"""Batches and their payouts; what was paid out in a day, and who agreed."""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.columns import BaseUnits, Moment, RunningTotal
from cloudpay.kernel.db import Base


class BatchRow(Base):
    """Payouts that were asked for together; `awaiting` and `open` count those that wait and that have not ended.

    `content_hash` is of what was sent, before any default was filled in. `approvals_needed` is 0 while a key
    may confirm it, and `accepted_approvals` is what it was at first.
    """

    __tablename__ = "payout_batches"
    __table_args__ = (Index("ix_payout_batches_merchant_id_id", "merchant_id", "id"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    livemode: Mapped[bool]
    content_hash: Mapped[str] = mapped_column(String(64))
    auto_confirm: Mapped[bool]
    accepted_as: Mapped[str] = mapped_column(String(24))
    callback_url: Mapped[str | None] = mapped_column(String(2048))
    created_by: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Moment)
    completed_at: Mapped[datetime | None] = mapped_column(Moment)
    items: Mapped[int]
    awaiting: Mapped[int]
    open: Mapped[int]
    approvals_needed: Mapped[int]
    accepted_approvals: Mapped[int]


class PayoutRow(Base):
    """One payout; its external id is its merchant's for ever. `fee_reserved` and `fee` are of the native coin."""

    __tablename__ = "payouts"
    __table_args__ = (
        UniqueConstraint("merchant_id", "external_id"),
        Index("ix_payouts_merchant_id_id", "merchant_id", "id"),
        Index("ix_payouts_merchant_id_status_id", "merchant_id", "status", "id"),
        Index("ix_payouts_batch_id_position", "batch_id", "position"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    batch_id: Mapped[str] = mapped_column(ForeignKey("payout_batches.id"))
    position: Mapped[int]
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    livemode: Mapped[bool]
    external_id: Mapped[str] = mapped_column(String(200))
    content_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(24))
    network: Mapped[str] = mapped_column(String(40))
    asset: Mapped[str] = mapped_column(String(100))
    symbol: Mapped[str] = mapped_column(String(40))
    decimals: Mapped[int]
    address: Mapped[str] = mapped_column(String(120))
    amount: Mapped[int] = mapped_column(BaseUnits)
    tier: Mapped[str] = mapped_column(String(10))
    memo: Mapped[str | None] = mapped_column(Text)
    fee_reserved: Mapped[int] = mapped_column(BaseUnits)
    fee: Mapped[int | None] = mapped_column(BaseUnits)
    tx_id: Mapped[str | None] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    queued_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class UsageRow(Base):
    """What went out in one day (UTC) of one asset, of all that `subject` says: by a key, to an address, together."""

    __tablename__ = "payout_usages"

    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(180), primary_key=True)
    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    asset: Mapped[str] = mapped_column(String(100), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    total: Mapped[int] = mapped_column(RunningTotal)


class ApprovalRow(Base):
    """A user's word that a batch may go out."""

    __tablename__ = "payout_approvals"

    batch_id: Mapped[str] = mapped_column(ForeignKey("payout_batches.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True)
    approved_at: Mapped[datetime] = mapped_column(Moment)
