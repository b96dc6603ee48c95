"""Invoices and the options in which they may be paid."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloudpay.kernel.columns import BaseUnits, Moment
from cloudpay.kernel.db import Base

OPEN = text("status IN ('pending', 'confirming')")
"""What the index of open invoices holds; a query must say it in these very words, or SQLite does not use the index."""

REVERSED = text("status = 'reversed'")
"""What a second index holds, as a rule nothing: those that an operator must look at. In these very words, too."""


class InvoiceRow(Base):
    """What a payer is asked for; `version` guards against two writers."""

    __tablename__ = "invoices"
    __table_args__ = (
        Index("ix_invoices_merchant_id_id", "merchant_id", "id"),
        Index(
            "ix_invoices_open_status_expires_at",
            "status",
            "expires_at",
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        ),
        Index("ix_invoices_reversed", "status", sqlite_where=REVERSED, postgresql_where=REVERSED),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[str] = mapped_column(ForeignKey("merchants.id"))
    livemode: Mapped[bool]
    status: Mapped[str] = mapped_column(String(20))
    exception: Mapped[str | None] = mapped_column(String(20))
    customer_name: Mapped[str] = mapped_column(String(200))
    notification_emails: Mapped[str] = mapped_column(Text)
    undeliverable: Mapped[str] = mapped_column(Text, default="")
    callback_url: Mapped[str | None] = mapped_column(String(2048))
    priority: Mapped[str] = mapped_column(String(10))
    total_usd: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    paid_at: Mapped[datetime | None] = mapped_column(Moment)
    paid_tx: Mapped[str | None] = mapped_column(String(120))
    sequence: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)

    options: Mapped[list["PaymentOptionRow"]] = relationship(
        order_by="PaymentOptionRow.position", lazy="selectin", cascade="save-update, merge"
    )

    __mapper_args__: Mapping[str, Any] = {"version_id_col": version}


class PaymentOptionRow(Base):
    """One asset and amount in which an invoice may be paid, at an address of its own; the quote is frozen."""

    __tablename__ = "payment_options"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"), index=True)
    position: Mapped[int]
    network: Mapped[str] = mapped_column(String(40))
    asset: Mapped[str] = mapped_column(String(120))
    symbol: Mapped[str] = mapped_column(String(20))
    decimals: Mapped[int]
    amount: Mapped[int] = mapped_column(BaseUnits)
    deposit_address_id: Mapped[str] = mapped_column(ForeignKey("deposit_addresses.id"))
    address: Mapped[str] = mapped_column(String(120))
    rate: Mapped[str | None] = mapped_column(String(60))
    rate_source: Mapped[str | None] = mapped_column(String(40))
    quoted_at: Mapped[datetime | None] = mapped_column(Moment)
