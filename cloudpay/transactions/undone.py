"""What is collected and cannot be carried out as it was planned is taken back: whoever planned it plans anew.

The address holds less than was booked, the fee has risen beyond what was left for it or beyond its limit, or nothing
pays for its top-up or, where it goes home, for what its fee has become.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.errors import Unlinked
from cloudpay.chains.types import Holding
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.transactions.bookings import book_void
from cloudpay.transactions.changes import Selection, change_spends
from cloudpay.transactions.rows import SPEND
from cloudpay.transactions.states import SpendStatus
from cloudpay.transactions.station import Station
from cloudpay.transactions.types import SpendKind

UNDRAFTED = "The chain does not carry it out as things stand; it is tried again."

_COLLECTED = (SpendKind.SWEEP, SpendKind.HOME)
_TOO_DEAR = "It cannot be sent as it was planned: the fee has risen meanwhile."
_TOO_LITTLE = "Its address holds less than is booked there."
_log = get_logger(__name__)


def undraftable(rows: Collection[Row[Any]]) -> list[Row[Any]]:
    """Answer what is collected among these and could not be drafted last time either: one node may be behind."""
    return [row for row in rows if row.kind in _COLLECTED and row.reason == UNDRAFTED]


def look_at(station: Station, rows: Sequence[Row[Any]]) -> Mapping[str, int]:
    """Answer by spend what its source holds of its asset at the newest block; nothing where that is replaced now."""
    holdings = {row.id: Holding(row.source, row.asset or None) for row in rows}
    if not holdings:
        return {}
    try:
        found = station.adapter.balances(list(holdings.values()), station.adapter.head().latest.ref)
    except Unlinked:
        return {}
    return {spend_id: found[holding] for spend_id, holding in holdings.items()}


def take_back(session: Session, station: Station, found: Mapping[str, int]) -> None:
    """Take back sweeps whose source was looked at, and say what lies there."""
    rows = session.execute(select(*SPEND.c).where(SPEND.c.id.in_(found))).all()
    for row in rows:
        reason = _TOO_LITTLE if found[row.id] < row.amount else _TOO_DEAR
        _cancel(session, station, row, reason, found[row.id])


def give_up(session: Session, station: Station, reasons: Mapping[str, str]) -> None:
    """Take back what is collected and nobody pays the fee of."""
    rows = session.execute(select(*SPEND.c).where(SPEND.c.id.in_(reasons))).all()
    for row in rows:
        _cancel(session, station, row, reasons[row.id], None)


def _cancel(session: Session, station: Station, row: Row[Any], reason: str, found: int | None) -> None:
    caught = change_spends(
        session,
        station.gateway,
        Selection(ids=[row.id]),
        [SpendStatus.QUEUED],
        SpendStatus.CANCELLED,
        reason=reason,
    )
    if not caught:
        return
    session.execute(update(SPEND).where(SPEND.c.id == row.id).values(found=found))
    book_void(session, [row], station.gateway.clock.now(session))
    passing(Failpoint.SWEEP_TAKEN_BACK)
    _log.info("sweep_taken_back", network=row.network, spend=row.id, reason=reason)
