"""Append events in the transaction that causes them; drain them to their handlers afterwards."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.clock import Clock
from cloudpay.kernel.db import nudge_after_commit, table_of
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.holders import new_holder
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.pruning import delete_batch
from cloudpay.kernel.pruning import prune as prune_batches
from cloudpay.outbox.models import OutboxRow

QUEUE = "events"
Payload = Mapping[str, str | int | bool | None]

_LONGEST_DELAY = timedelta(minutes=10)
_DOUBLINGS = 10  # enough for the longest delay, and few enough for any number of attempts to be counted

log = get_logger(__name__)


@dataclass(frozen=True)
class OutboxEvent:
    """One event as its handlers see it."""

    id: int
    name: str
    subject: str
    payload: Payload


@dataclass(frozen=True)
class Together:
    """A handler of many events at once; what it cannot do together it is asked to do one by one."""

    handle: Callable[[Gateway, Sequence[OutboxEvent]], None]

    def __call__(self, gateway: Gateway, event: OutboxEvent) -> None:
        """Handle one alone."""
        self.handle(gateway, [event])


Handler = Callable[[Gateway, OutboxEvent], None]
"""Handles one event; a `Together` is one too."""


def append(session: Session, clock: Clock, name: str, subject: str, payload: Payload | None = None) -> None:
    """Record an event in this transaction; its handlers run some time after the commit, perhaps more than once."""
    now = clock.now(session)
    session.add(
        OutboxRow(name=name, subject=subject, payload=json.dumps(payload or {}), created_at=now, due_at=now)
    )
    nudge_after_commit(session, QUEUE)
    passing(Failpoint.OUTBOX_APPENDED)


def append_many(session: Session, clock: Clock, name: str, events: Sequence[tuple[str, Payload]]) -> None:
    """Record many events of one name as `append` does, each a subject and its payload, by one statement."""
    if not events:
        return
    now = clock.now(session)
    rows = [
        {
            "name": name,
            "subject": subject,
            "payload": json.dumps(payload),
            "created_at": now,
            "due_at": now,
            "attempts": 0,
        }
        for subject, payload in events
    ]
    session.connection().execute(insert(table_of(OutboxRow)), rows)
    nudge_after_commit(session, QUEUE)
    passing(Failpoint.OUTBOX_APPENDED)


def drain(gateway: Gateway, handlers: Mapping[str, Sequence[Handler]], *, limit: int = 100) -> int:
    """Hand the events that are due to their handlers, oldest first; answer how many were claimed.

    An event whose handler fails is kept and comes again, later each time; the others go on.
    """
    events = _claim(gateway, limit)
    if events:
        passing(Failpoint.OUTBOX_CLAIMED)
    done: list[int] = []
    alone = _handle_together(gateway, handlers, events)
    for event in events:
        try:
            for handler in alone.get(event.name, ()):
                handler(gateway, event)
        except Exception as error:
            log.exception("event_failed", name=event.name, subject=event.subject)
            _postpone(gateway, event, error)
        else:
            done.append(event.id)
            passing(Failpoint.OUTBOX_HANDLED)
    if done:
        gateway.db.run(lambda session: _mark_handled(session, gateway.clock.now(session), done))
        passing(Failpoint.OUTBOX_MARKED)
    return len(events)


def _handle_together(
    gateway: Gateway, handlers: Mapping[str, Sequence[Handler]], events: Sequence[OutboxEvent]
) -> Mapping[str, Sequence[Handler]]:
    """Hand events of a name to those of their handlers that take them together; answer what is left for each alone."""
    left: dict[str, Sequence[Handler]] = {}
    for name in {event.name for event in events}:
        some = [event for event in events if event.name == name]
        each = left[name] = handlers.get(name, ())
        together = [handler for handler in each if isinstance(handler, Together)]
        try:
            for handler in together:
                handler.handle(gateway, some)
        except Exception:  # one by one it shows whose fault it is, and only that one waits
            log.warning("events_failed_together", name=name, count=len(some), exc_info=True)
        else:
            left[name] = [handler for handler in each if handler not in together]
    return left


def prune(gateway: Gateway) -> int:
    """Forget events that were handled before the retention; answer how many."""
    kept = timedelta(days=gateway.settings.retention.events_days)

    def batch(session: Session) -> int:
        old = OutboxRow.handled_at < gateway.clock.now(session) - kept
        return delete_batch(
            session, OutboxRow.id, select(OutboxRow.id).where(old).order_by(OutboxRow.handled_at)
        )

    return prune_batches(gateway.db, batch)


@dataclass(frozen=True)
class Backlog:
    """How much waits, since when, and how many events keep failing."""

    waiting: int
    failing: int
    oldest: datetime | None


def backlog(gateway: Gateway) -> Backlog:
    """Answer what waits in the outbox."""
    with gateway.db.read() as session:
        waiting = OutboxRow.handled_at.is_(None)
        count, oldest = session.execute(
            select(func.count(), func.min(OutboxRow.created_at)).where(waiting)
        ).one()
        failing = session.scalar(select(func.count()).where(waiting, OutboxRow.attempts > 0)) or 0
    return Backlog(count, failing, oldest)


def _claim(gateway: Gateway, limit: int) -> list[OutboxEvent]:
    claim, held = new_holder("clm_"), timedelta(seconds=gateway.settings.leases.events_seconds)

    def work(session: Session) -> list[OutboxEvent]:
        now = gateway.clock.now(session)
        free = (
            OutboxRow.handled_at.is_(None),
            OutboxRow.due_at <= now,
            or_(OutboxRow.claimed_until.is_(None), OutboxRow.claimed_until < now),
        )
        row = OutboxRow
        due = select(row.id, row.name, row.subject, row.payload).where(*free).order_by(row.id).limit(limit)
        # PostgreSQL: what another drainer claims just now is passed over, not waited for. SQLite has one writer.
        found = session.execute(due.with_for_update(skip_locked=True)).all()
        claimed = update(row).where(row.id.in_([each.id for each in found]), *free)
        if found:
            session.execute(
                claimed.values(claim=claim, claimed_until=now + held),
                execution_options={"synchronize_session": False},
            )
        return [OutboxEvent(each.id, each.name, each.subject, json.loads(each.payload)) for each in found]

    with gateway.db.read() as session:
        idle = session.scalar(select(OutboxRow.id).where(OutboxRow.handled_at.is_(None)).limit(1)) is None
    return [] if idle else gateway.db.run(work)


def _mark_handled(session: Session, now: datetime, ids: Sequence[int]) -> None:
    session.execute(
        update(OutboxRow).where(OutboxRow.id.in_(ids)).values(handled_at=now),
        execution_options={"synchronize_session": False},
    )


def _postpone(gateway: Gateway, event: OutboxEvent, error: Exception) -> None:
    def work(session: Session) -> None:
        row = session.get_one(OutboxRow, event.id)
        row.attempts += 1
        row.last_error = f"{type(error).__name__}: {error}"[:1000]
        row.claimed_until = None
        delay = min(timedelta(seconds=2 ** min(row.attempts, _DOUBLINGS)), _LONGEST_DELAY)
        row.due_at = gateway.clock.now(session) + delay

    gateway.db.run(work)
