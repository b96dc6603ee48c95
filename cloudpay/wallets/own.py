"""The transactions that this gateway signed, by id: what else leaves an address of ours was signed by somebody else."""

from collections.abc import Collection

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloudpay.kernel.among import among
from cloudpay.kernel.db import Base
from cloudpay.kernel.upsert import upsert


class OwnTransactionRow(Base):
    """A transaction of ours, noted in the transaction that commits its signed bytes, before any broadcast."""

    __tablename__ = "own_transactions"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    tx_id: Mapped[str] = mapped_column(String(120), primary_key=True)


def note_own(session: Session, network: str, tx_ids: Collection[str]) -> None:
    """Note in the caller's transaction that these are ours; those that are noted already change nothing."""
    if tx_ids:
        statement = upsert(session, OwnTransactionRow).on_conflict_do_nothing()
        session.execute(statement, [{"network": network, "tx_id": tx_id} for tx_id in sorted(set(tx_ids))])


def own_among(session: Session, network: str, tx_ids: Collection[str]) -> frozenset[str]:
    """Answer which of these transactions are ours: one indexed query, however many they are."""
    if not tx_ids:
        return frozenset()
    row = OwnTransactionRow
    found = select(row.tx_id).where(row.network == network, among(session, row.tx_id, tx_ids))
    return frozenset(session.scalars(found))
