"""Leases: who may do a piece of work now, by the database's clock, fenced so that a late holder cannot commit."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from sqlalchemy import String, literal, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloudpay.kernel.clock import Clock
from cloudpay.kernel.columns import Moment
from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.db import Base, Database
from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.holders import is_gone


class LeaseLost(CloudPayError):
    """Another process holds this work now; what was about to be committed must not be."""

    code: ClassVar[str] = "lease_lost"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The lease on {name!r} was taken over by another process; this one stops its work on it."
        )
        self.name = name


class LeaseRow(Base):
    """One piece of work that at most one process does at a time."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str] = mapped_column(String(100))
    token: Mapped[int]
    until: Mapped[datetime] = mapped_column(Moment)


@dataclass(frozen=True)
class Lease:
    """A held lease; `token` grows with every take-over, so that an old holder is recognised."""

    name: str
    holder: str
    token: int


def acquire(db: Database, clock: Clock, name: str, holder: str, ttl: timedelta) -> Lease | None:
    """Take or extend the lease; None while another holder's is still running.

    That of a process which can be seen to be gone (see `holders`) is taken over at once.
    """

    def work(session: Session) -> Lease | None:
        now = clock.now(session)
        row = session.scalar(select(LeaseRow).where(LeaseRow.name == name))
        if row is None:
            session.add(LeaseRow(name=name, holder=holder, token=1, until=now + ttl))
            session.flush()
            return Lease(name, holder, 1)
        token = row.token if row.holder == holder else row.token + 1
        free = or_(LeaseRow.holder == holder, LeaseRow.until < now, literal(is_gone(row.holder)))
        statement = update(LeaseRow).where(LeaseRow.name == name, LeaseRow.token == row.token, free)
        taken = changed_rows(session, statement.values(holder=holder, token=token, until=now + ttl))
        return Lease(name, holder, token) if taken else None

    try:
        return db.run(work)
    except IntegrityError:  # two processes made the first row at the same time; the other one won
        return None


def renew(db: Database, clock: Clock, lease: Lease, ttl: timedelta) -> bool:
    """Extend a lease that is still running; False when it ran out, or is another's by now."""

    def work(session: Session) -> bool:
        now = clock.now(session)
        mine = (LeaseRow.name == lease.name, LeaseRow.holder == lease.holder, LeaseRow.token == lease.token)
        running = update(LeaseRow).where(*mine, LeaseRow.until >= now)
        return bool(changed_rows(session, running.values(until=now + ttl)))

    return db.run(work)


def fence(session: Session, lease: Lease) -> None:
    """Lock the lease row for the rest of this transaction; raises `LeaseLost` when it is no longer ours."""
    mine = (LeaseRow.name == lease.name, LeaseRow.holder == lease.holder, LeaseRow.token == lease.token)
    if not changed_rows(session, update(LeaseRow).where(*mine).values(token=lease.token)):
        raise LeaseLost(lease.name)


def release(db: Database, lease: Lease) -> None:
    """Give the lease back at once, so that another process need not wait for it to run out."""
    mine = (LeaseRow.name == lease.name, LeaseRow.holder == lease.holder, LeaseRow.token == lease.token)
    with db.transaction() as session:
        changed_rows(session, update(LeaseRow).where(*mine).values(until=datetime.fromtimestamp(0, UTC)))


def working(session: Session, now: datetime) -> str | None:
    """Answer the name of a lease that a process holds which may be at work, or None."""
    held = session.execute(select(LeaseRow.name, LeaseRow.holder).where(LeaseRow.until > now))
    return next((name for name, holder in held if not is_gone(holder)), None)


class LeaseKeeper:
    """Holds one lease over many short pieces of work, writing it anew only when a third of its time has gone."""

    def __init__(self, db: Database, clock: Clock, name: str, holder: str, ttl: timedelta) -> None:
        self.name, self.ttl = name, ttl
        self._db, self._clock, self._holder = db, clock, holder
        self._lease: Lease | None = None
        self._renew_at = 0.0

    @property
    def renew_seconds(self) -> float:
        """After how many seconds the lease is written anew."""
        return self.ttl.total_seconds() / 3

    def hold(self) -> Lease | None:
        """Answer the lease, taken or extended as needed; None while another process has it."""
        if self._lease is None or time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + self.renew_seconds
            had = self._lease is not None
            self._lease = acquire(self._db, self._clock, self.name, self._holder, self.ttl)
            if self._lease is not None:
                passing(Failpoint.LEASE_RENEWED if had else Failpoint.LEASE_TAKEN)
        return self._lease

    def renew(self) -> None:
        """Extend the lease where it is held and it is time, from any thread; one that ran out is left to `hold`."""
        lease = self._lease
        if lease is None or time.monotonic() < self._renew_at:
            return
        extended = renew(self._db, self._clock, lease, self.ttl)
        self._renew_at = time.monotonic() + self.renew_seconds if extended else 0.0

    @property
    def held(self) -> Lease | None:
        """The lease as `hold` last answered it, without asking: for use inside a transaction."""
        return self._lease

    def lost(self) -> None:
        """Forget a lease that turned out to be another process's."""
        self._lease = None

    def release(self) -> None:
        """Give the lease back, where it is held."""
        if self._lease is not None:
            release(self._db, self._lease)
            self._lease = None
