"""Time comes from the database, so that every process of one gateway tells the same time."""

from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from cloudpay.kernel.columns import Moment

_TOLD = "the time that this session was told"


class Clock(Protocol):
    """Tells the time that money is judged by."""

    def now(self, session: Session) -> datetime:
        """Answer the current time, aware and in UTC; one transaction may be told one time throughout."""
        ...

    def told(self, moment: datetime) -> datetime:
        """Answer the current time, where a statement brought the database's own (`time_of_day`)."""
        ...


class time_of_day(FunctionElement[datetime]):  # noqa: N801  # an SQL function, written as those are
    """The database's time of day as a column: a statement that is needed anyway can bring it (see `note_time`)."""

    name = "time_of_day"
    type = Moment()
    inherit_cache = True


@compiles(time_of_day, "postgresql")
def _on_postgresql(_element: time_of_day, _compiler: Any, **_: Any) -> str:
    return "clock_timestamp()"  # unlike now(), which is the time at which the transaction began


@compiles(time_of_day, "sqlite")
def _on_sqlite(_element: time_of_day, _compiler: Any, **_: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f', 'now')"


def note_time(session: Session, moment: datetime) -> None:
    """Keep a `time_of_day()` that a statement brought, so that `DatabaseClock` need not ask again."""
    session.info.setdefault(_TOLD, moment)


class DatabaseClock:
    """The clock of the database server: skewed machines cannot disagree about an expiry or a lease.

    It is asked once per session, and so once per transaction: whoever must know how late it is by now opens a new one.
    """

    def now(self, session: Session) -> datetime:
        """Answer the time of day at which this session first asked."""
        told: datetime | None = session.info.get(_TOLD)
        if told is None:
            told = session.info[_TOLD] = session.execute(_NOW).scalar_one()
        return told

    def told(self, moment: datetime) -> datetime:
        """Answer the database's own time."""
        return moment


_NOW = select(time_of_day())
