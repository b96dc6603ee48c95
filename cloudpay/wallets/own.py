"""The transactions that this gateway signed, by id: what else leaves an address of ours was signed by somebody else.

And the fees that deposit addresses have paid for them, which no transfer shows and a balance does.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import BigInteger, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloudpay.kernel.among import among
from cloudpay.kernel.columns import BaseUnits
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


class OwnFeeRow(Base):
    """A fee that a deposit address paid for one spend of ours, in a block that is final."""

    __tablename__ = "own_fees"
    __table_args__ = (Index("ix_own_fees_network_address", "network", "address"),)

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    spend_id: Mapped[str] = mapped_column(String(60), primary_key=True)
    tx_id: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(120))
    fee: Mapped[int] = mapped_column(BaseUnits)
    block_height: Mapped[int] = mapped_column(BigInteger)


class PaidFee(NamedTuple):
    """A spend's fee, or its share of one, in native base units."""

    network: str
    tx_id: str
    spend_id: str
    address: str
    fee: int
    block_height: int


def note_fees(session: Session, fees: Collection[PaidFee]) -> None:
    """Note in the caller's transaction what deposit addresses have paid; what is noted already changes nothing."""
    if fees:
        statement = upsert(session, OwnFeeRow).on_conflict_do_nothing()
        session.connection().execute(statement, [each._asdict() for each in fees])


def forget_fees(session: Session, network: str, spend_ids: Collection[str]) -> None:
    """Forget fees of spends that a deep reorganisation took back."""
    row = OwnFeeRow
    session.execute(delete(row).where(row.network == network, row.spend_id.in_(spend_ids)))


def fees_paid(session: Session, network: str, addresses: Collection[str], height: int) -> Mapping[str, int]:
    """Answer by address what they have paid in fees in blocks up to a height."""
    row, paid = OwnFeeRow, defaultdict[str, int](int)
    found = select(row.address, row.fee).where(
        row.network == network, among(session, row.address, addresses), row.block_height <= height
    )
    for address, fee in session.execute(found):
        paid[address] += fee
    return paid
