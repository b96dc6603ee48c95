"""Spends that wait say why, and are looked at again later; those that cannot be carried out fail."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudpay.transactions.bookings import book_void
from cloudpay.transactions.changes import Selection, change_spends, wake_waiting
from cloudpay.transactions.rows import SPEND
from cloudpay.transactions.states import SpendStatus
from cloudpay.transactions.station import Station

_REASON_LETTERS = 500


def wait(session: Session, station: Station, reasons: Mapping[str, str], pause: timedelta) -> None:
    """Look at queued spends again after a pause, and say meanwhile why they wait."""
    due_at = station.gateway.clock.now(session) + pause
    for reason in sorted(set(reasons.values())):
        ids = [each for each, why in reasons.items() if why == reason]
        waiting = update(SPEND).where(SPEND.c.id.in_(ids), SPEND.c.status == SpendStatus.QUEUED.value)
        session.execute(waiting.values(due_at=due_at, reason=reason[:_REASON_LETTERS]))


def note_reason(session: Session, transactions: Collection[str], reason: str) -> None:
    """Say why what these transactions carry is not sent on; asked often, so that only a new reason is written."""
    carried = update(SPEND).where(SPEND.c.transaction_id.in_(transactions), SPEND.c.reason != reason)
    session.execute(carried.values(reason=reason[:_REASON_LETTERS]))


def refuse(session: Session, station: Station, reasons: Mapping[str, str]) -> frozenset[str]:
    """Let spends fail that the chain would not carry out: nothing was signed for them, so all is given back."""
    station.fence(session)
    now = station.gateway.clock.now(session)
    failed: set[str] = set()
    for reason in sorted(set(reasons.values())):
        ids = [each for each, why in reasons.items() if why == reason]
        failed |= change_spends(
            session,
            station.gateway,
            Selection(ids=ids),
            [SpendStatus.QUEUED],
            SpendStatus.FAILED,
            reason=reason[:_REASON_LETTERS],
        )
    rows = session.execute(select(*SPEND.c).where(SPEND.c.id.in_(failed))).all()
    book_void(session, rows, now)
    wake_waiting(session, sorted(failed), now)
    return frozenset(failed)
