"""The kill switch: while a network is frozen, or all are, nothing is signed; set in SQL or beside the seal key."""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.columns import Moment
from cloudpay.kernel.db import Base

EVERYTHING = "*"


class FreezeRow(Base):
    """One network that is frozen, or all of them; there is no row for what is not."""

    __tablename__ = "freezes"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(100))
    frozen_at: Mapped[datetime] = mapped_column(Moment)
