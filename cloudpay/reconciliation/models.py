"""What the last comparison of each network has shown."""

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cloudpay.kernel.columns import Moment
from cloudpay.kernel.db import Base


class ReconciliationRow(Base):
    """When a network was last compared, at which block, and how many pots had a drift.

    `tried_at` is the last attempt, `reason` why it did not come to an end; empty where it did.
    """

    __tablename__ = "reconciliations"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    tried_at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(Text)
    compared_at: Mapped[datetime | None] = mapped_column(Moment)
    height: Mapped[int | None] = mapped_column(BigInteger)
    drifts: Mapped[int | None]
