"""The audit log's table: rows are only ever added, whoever connects to the database."""

from datetime import datetime

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.append_only import append_only
from cloudpay.kernel.columns import Moment
from cloudpay.kernel.db import Base


class AuditEntry(Base):
    """One thing that a person, a key or the gateway itself did."""

    __tablename__ = "audit_entries"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    actor: Mapped[str] = mapped_column(String(200))
    action: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(200))
    merchant_id: Mapped[str | None] = mapped_column(String(40), index=True)
    livemode: Mapped[bool | None]
    details: Mapped[dict[str, str]] = mapped_column(JSON)


append_only(AuditEntry)
