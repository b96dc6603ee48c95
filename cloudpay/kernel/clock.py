"""Time comes from the database, so that every process of one gateway tells the same time."""

from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

_NOW = {
    "postgresql": text("SELECT clock_timestamp()"),
    "sqlite": text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"),
}


class Clock(Protocol):
    """Tells the time that money is judged by."""

    def now(self, session: Session) -> datetime:
        """Answer the current time, aware and in UTC."""
        ...


class DatabaseClock:
    """The clock of the database server: skewed machines cannot disagree about an expiry or a lease."""

    def now(self, session: Session) -> datetime:
        """Answer the database's time of day, not of the transaction's start."""
        value = session.execute(_NOW[session.get_bind().dialect.name]).scalar_one()
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
