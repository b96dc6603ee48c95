"""Spends change state by conditional UPDATEs over many at once; each change is announced in the same transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.among import among
from cloudpay.kernel.db import table_of
from cloudpay.outbox.service import append_many
from cloudpay.transactions.models import SpendRow
from cloudpay.transactions.states import SPEND, SpendStatus

CHANGED = "spend.changed"

_SPEND = table_of(SpendRow)
_TOLD = (
    _SPEND.c.id,
    _SPEND.c.kind,
    _SPEND.c.status,
    _SPEND.c.merchant_id,
    _SPEND.c.tx_id,
    _SPEND.c.fee,
    _SPEND.c.reason,
)


class Selection(NamedTuple):
    """Which spends a change is about: those of these ids, or those that these transactions carry."""

    ids: Collection[str] = ()
    transactions: Collection[str] = ()


def change_spends(
    session: Session,
    gateway: Gateway,
    selection: Selection,
    current: Iterable[SpendStatus],
    wanted: SpendStatus,
    **values: Any,
) -> frozenset[str]:
    """Move those that are in one of the states `current` to `wanted`, tell of it, and answer which they were.

    `values` are further columns to set. What another process has changed meanwhile is left alone.
    """
    changed = move_spends(session, selection, current, wanted, **values)
    announce(session, gateway, changed)
    return frozenset(row.id for row in changed)


def move_spends(
    session: Session,
    selection: Selection,
    current: Iterable[SpendStatus],
    wanted: SpendStatus,
    **values: Any,
) -> Sequence[Row[Any]]:
    """Do so without telling of it yet; answers what is to be told."""
    if not selection.ids and not selection.transactions:
        return []
    allowed = [state.value for state in current if SPEND.check(state, wanted)]
    named = (
        among(session, SpendRow.id, selection.ids)
        if selection.ids
        else _SPEND.c.transaction_id.in_(selection.transactions)
    )
    statement = update(_SPEND).where(named, _SPEND.c.status.in_(allowed)).returning(*_TOLD)
    return session.execute(statement.values(status=wanted.value, **values)).all()


def announce(session: Session, gateway: Gateway, changed: Iterable[Row[Any]]) -> None:
    """Append an event for each spend that has changed."""
    told = [(row.id, payload(row._mapping)) for row in changed]  # noqa: SLF001  # public in SQLAlchemy
    append_many(session, gateway.clock, CHANGED, told)


def payload(row: Mapping[Any, Any]) -> dict[str, str | None]:
    """Answer what the event of a changed spend says."""
    fee = row["fee"]
    return {
        "spend_id": row["id"],
        "kind": row["kind"],
        "status": row["status"],
        "merchant_id": row["merchant_id"],
        "tx_id": row["tx_id"],
        "fee": None if fee is None else str(fee),
        "reason": row["reason"],
    }


def wake_waiting(session: Session, done: Collection[str], now: datetime) -> None:
    """Have what waited for these spends planned again."""
    if done:
        waiting = update(_SPEND).where(_SPEND.c.waits_for.in_(done))
        session.execute(waiting.values(waits_for=None, due_at=now))
