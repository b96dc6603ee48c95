"""Rows of the ledger: accounts with running totals, journals, and entries that are never changed."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.append_only import append_only
from cloudpay.kernel.columns import BaseUnits, Moment, RunningTotal
from cloudpay.kernel.db import Base


class LedgerAccountRow(Base):
    """What one merchant holds or is owed of one asset; `asset` is the contract, empty for the native coin."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (UniqueConstraint("merchant_id", "livemode", "network", "asset", "kind"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(String(40))
    livemode: Mapped[bool]
    network: Mapped[str] = mapped_column(String(40))
    asset: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    debits: Mapped[int] = mapped_column(RunningTotal)
    credits: Mapped[int] = mapped_column(RunningTotal)
    version: Mapped[int]


class JournalRow(Base):
    """One booking; its reference is unique, so that the same fact is never booked twice."""

    __tablename__ = "ledger_journals"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)


class EntryRow(Base):
    """One line of a journal."""

    __tablename__ = "ledger_entries"

    journal_id: Mapped[str] = mapped_column(ForeignKey("ledger_journals.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"), index=True)
    side: Mapped[str] = mapped_column(String(6))
    amount: Mapped[int] = mapped_column(BaseUnits)


append_only(JournalRow, EntryRow)
