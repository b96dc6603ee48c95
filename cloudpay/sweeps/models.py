"""What waits at deposit addresses to be collected."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.columns import BaseUnits, Moment
from cloudpay.kernel.db import Base


class UnsweptRow(Base):
    """One asset at one deposit address, from the first payment that is final until nothing of it is left.

    `since` is when it began to wait, `due_at` when it is looked at next, empty: when something happens. `looks` counts
    the looks in a row that left it there; `found` is what the chain showed where that was less than was booked.
    """

    __tablename__ = "unswept"
    __table_args__ = (
        Index("ix_unswept_network_due_at", "network", "due_at"),
        Index("ix_unswept_merchant_id", "merchant_id", "network", "asset"),
    )

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    address: Mapped[str] = mapped_column(String(120), primary_key=True)
    asset: Mapped[str] = mapped_column(String(100), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(String(40))
    livemode: Mapped[bool]
    account: Mapped[int]
    chain: Mapped[int]
    index: Mapped[int]
    tier: Mapped[str] = mapped_column(String(10))
    standing: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BaseUnits)
    found: Mapped[int | None] = mapped_column(BaseUnits)
    since: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    looks: Mapped[int]
    spend_id: Mapped[str | None] = mapped_column(String(60))
