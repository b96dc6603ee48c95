"""Networks on which nothing is signed: by a person's word, or since something happened that we did not sign."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, String, Text, delete, false, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloudpay.audit.service import record
from cloudpay.kernel.columns import Moment
from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.db import Base
from cloudpay.kernel.upsert import insert_if_absent, upsert

EVERYWHERE = "*"
"""Stands for all networks."""

SYSTEM = "system"
"""How the audit log names the gateway itself."""


class FreezeRow(Base):
    """A network on which nothing may be signed, since when and why; the first reason stands until it is thawed."""

    __tablename__ = "freezes"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(Moment)
    needs_reconciliation: Mapped[bool] = mapped_column(Boolean, server_default=false())


class ReconciledRow(Base):
    """When a person last had compared a network, or `EVERYWHERE`, with the chain: what came before is explained."""

    __tablename__ = "reconciled"

    network: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)


@dataclass(frozen=True)
class Freeze:
    """Nothing is signed on this network, or `EVERYWHERE`."""

    network: str
    reason: str
    since: datetime
    needs_reconciliation: bool = False


def freeze(
    session: Session,
    network: str,
    reason: str,
    now: datetime,
    *,
    needs_reconciliation: bool = False,
    actor: str = SYSTEM,
) -> bool:
    """Have nothing signed on a network, or `EVERYWHERE`, from this transaction on; audited.

    False where it is frozen already: the first reason stands, and a need of a reconciliation is added to it.
    """
    values = {"network": network, "reason": reason, "since": now}
    needs = {"needs_reconciliation": needs_reconciliation}
    fresh = insert_if_absent(session, FreezeRow, values | needs, "network")
    if fresh or (needs_reconciliation and _add_the_need(session, network)):
        record(session, actor=actor, action="network.frozen", subject=network, details={"reason": reason})
    return fresh


def thaw(session: Session, network: str, *, actor: str) -> bool:
    """Let what was frozen under this name be signed for again; audited. False where it was not frozen."""
    if changed_rows(session, delete(FreezeRow).where(FreezeRow.network == network)) == 0:
        return False
    record(session, actor=actor, action="network.thawed", subject=network)
    return True


def frozen(session: Session, network: str) -> Freeze | None:
    """Answer why nothing may be signed on a network now, or None; asked before every signature."""
    row = session.scalar(
        select(FreezeRow)
        .where(FreezeRow.network.in_([network, EVERYWHERE]))
        .order_by(FreezeRow.since, FreezeRow.network)
        .limit(1)
    )
    return None if row is None else _view(row)


def note_reconciled(session: Session, network: str, now: datetime) -> None:
    """Write down in the caller's transaction that a person has compared a network, or `EVERYWHERE`, with the chain."""
    statement = upsert(session, ReconciledRow).values(network=network, at=now)
    session.execute(statement.on_conflict_do_update(index_elements=["network"], set_={"at": now}))


def reconciled_at(session: Session, network: str) -> datetime | None:
    """Answer when a person last had compared a network with the chain, or None."""
    moments = select(ReconciledRow.at).where(ReconciledRow.network.in_([network, EVERYWHERE]))
    return max(session.scalars(moments), default=None)


def freezes(session: Session) -> Sequence[Freeze]:
    """Answer everything that is frozen, the oldest first."""
    rows = session.scalars(select(FreezeRow).order_by(FreezeRow.since, FreezeRow.network))
    return [_view(row) for row in rows]


def _add_the_need(session: Session, network: str) -> bool:
    row = FreezeRow
    statement = update(row).where(row.network == network, row.needs_reconciliation.is_(False))
    return changed_rows(session, statement.values(needs_reconciliation=True)) == 1


def _view(row: FreezeRow) -> Freeze:
    return Freeze(row.network, row.reason, row.since, row.needs_reconciliation)
