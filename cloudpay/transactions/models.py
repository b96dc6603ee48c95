"""What the engine keeps: spends, the transactions that carry them, their claims, every signed attempt."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.columns import BaseUnits, Moment
from cloudpay.kernel.db import Base

INNER = text("kind <> 'payout'")
"""What two indexes hold; a query must say it in these very words, or SQLite does not use them."""


class SpendRow(Base):
    """The intent to move an asset; `waits_for` names the spend that must be done first.

    It is looked at from `due_at` on. `turn` counts how often a final outcome was booked. `fee_limit` bounds its fee;
    `found` is what lay at its source when it was taken back for want of that.
    """

    __tablename__ = "spends"
    __table_args__ = (
        Index("ix_spends_network_status_source", "network", "status", "source", "created_at"),
        Index("ix_spends_transaction_id", "transaction_id"),
        Index("ix_spends_waits_for", "waits_for"),
        # Payouts are many, and none of them touches a deposit address: they are in neither.
        Index("ix_spends_inner_source", "network", "source", sqlite_where=INNER, postgresql_where=INNER),
        Index(
            "ix_spends_inner_recipient", "network", "recipient", sqlite_where=INNER, postgresql_where=INNER
        ),
    )

    id: Mapped[str] = mapped_column(String(60), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(12))
    merchant_id: Mapped[str] = mapped_column(String(40))
    livemode: Mapped[bool]
    network: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(120))
    account: Mapped[int]
    chain: Mapped[int]
    index: Mapped[int]
    recipient: Mapped[str] = mapped_column(String(120))
    asset: Mapped[str] = mapped_column(String(100))
    amount: Mapped[int] = mapped_column(BaseUnits)
    tier: Mapped[str] = mapped_column(String(10))
    fee_reserved: Mapped[int] = mapped_column(BaseUnits)
    created_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    waits_for: Mapped[str | None] = mapped_column(String(60))
    reason: Mapped[str] = mapped_column(Text, default="")
    transaction_id: Mapped[str | None] = mapped_column(String(40))
    tx_id: Mapped[str | None] = mapped_column(String(120))
    fee: Mapped[int | None] = mapped_column(BaseUnits)
    block_height: Mapped[int | None] = mapped_column(BigInteger)
    turn: Mapped[int] = mapped_column(default=0)
    fee_limit: Mapped[int | None] = mapped_column(BaseUnits)
    found: Mapped[int | None] = mapped_column(BaseUnits)


class TransactionRow(Base):
    """What carries spends under its claims; any one of its attempts may settle it.

    `signed_at` is when its newest attempt was. A final or expired one is looked at again at the final height `look_at`,
    until that is empty; an open one that seems expired counts as absent once more from there on. `doubts` counts looks
    in a row that found its claim used by somebody else, or nothing of one that has expired.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        Index("ix_transactions_network_status_source", "network", "status", "source"),
        Index("ix_transactions_network_look_at", "network", "look_at"),
        Index("ix_transactions_network_source", "network", "source", "id"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    network: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(120))
    status: Mapped[str] = mapped_column(String(12))
    tier: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int]
    signers: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(Moment)
    signed_at: Mapped[datetime] = mapped_column(Moment)
    block_height: Mapped[int | None] = mapped_column(BigInteger)
    block_hash: Mapped[str | None] = mapped_column(String(100))
    look_at: Mapped[int | None] = mapped_column(BigInteger)
    doubts: Mapped[int] = mapped_column(default=0)


class ClaimRow(Base):
    """What only one transaction may ever use up: a place in a sequence, a coin. Never given back."""

    __tablename__ = "claims"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    claim: Mapped[str] = mapped_column(String(200), primary_key=True)
    transaction_id: Mapped[str] = mapped_column(ForeignKey("transactions.id"), index=True)


class AttemptRow(Base):
    """One signed version of a transaction; `handed_at` is when it was last given to the nodes, empty for never."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_network_handed_at", "network", "handed_at"),)

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    tx_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    transaction_id: Mapped[str] = mapped_column(ForeignKey("transactions.id"), index=True)
    number: Mapped[int]
    unsigned: Mapped[bytes] = mapped_column(LargeBinary)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    largest_fee: Mapped[int] = mapped_column(BaseUnits)
    signed_at: Mapped[datetime] = mapped_column(Moment)
    handed_at: Mapped[datetime | None] = mapped_column(Moment)
    answer: Mapped[str | None] = mapped_column(String(10))
    answer_reason: Mapped[str] = mapped_column(Text, default="")


class FeeQuoteRow(Base):
    """What one transfer of an asset costs at most, by tier, as the chain was last asked."""

    __tablename__ = "fee_quotes"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    tier: Mapped[str] = mapped_column(String(10), primary_key=True)
    asset: Mapped[str] = mapped_column(String(100), primary_key=True)
    fee: Mapped[int] = mapped_column(BaseUnits)
    quoted_at: Mapped[datetime] = mapped_column(Moment)


class QuoteDemandRow(Base):
    """When somebody last wanted to know what sending costs."""

    __tablename__ = "quote_demands"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(Moment)
