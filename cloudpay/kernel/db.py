"""The database: one engine, short transactions, bounded retries, and no I/O inside a transaction."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session

from cloudpay.kernel.engines import LOCK_SECONDS, open_engine
from cloudpay.kernel.failpoints import Failpoint, passing

Result = TypeVar("Result")
Opened = TypeVar("Opened")

_ATTEMPTS = 6
_PATIENCE_SECONDS = 10.0
"""After which nothing is begun again: a request that waits longer is given up by whoever sent it."""
_FIRST_DELAY = 0.05
_PASSING_STATES = {"40001", "40P01", "55P03"}
"""PostgreSQL: serialization_failure, deadlock_detected, lock_not_available (after `LOCK_SECONDS`)."""

_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)
_begun: ContextVar[int] = ContextVar("transactions_begun", default=0)


class Base(DeclarativeBase):
    """The base of every row; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(model: type[Base]) -> Table:
    """Answer the table behind a row class: for statements of plain columns, which cost a fraction of objects."""
    return cast("Table", model.__table__)


def refuse_inside_transaction(what: str) -> None:
    """Raise when called inside a transaction: a slow node or host must never hold a row or a lock."""
    if _inside.get():
        raise RuntimeError(f"{what} was called inside a database transaction; do it before or after")


class Database:
    """Opens transactions; tells `nudge` after a commit which queues have new work.

    `engine` serves transactions; `questions` has connections of its own, which can only read and open none.
    """

    def __init__(self, url: str, *, nudge: Callable[[str], None] = lambda _queue: None) -> None:
        self.url = url
        self.nudge = nudge
        self.engine = open_engine(url)
        self.questions = open_engine(url, questions=True)
        self._postgresql = self.engine.dialect.name == "postgresql"
        self._read_only = {"postgresql_readonly": True} if self._postgresql else {}
        self._one_moment = {"isolation_level": "REPEATABLE READ"} if self._postgresql else {}
        self._writer = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a write transaction; it commits at the end and rolls back on any error. Queues are nudged after it."""
        if _inside.get():
            raise RuntimeError("a transaction was opened inside another one; pass the session on instead")
        token = _inside.set(True)
        _begun.set(_begun.get() + 1)
        try:
            with self._turn(), Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        finally:
            _inside.reset(token)
        passing(Failpoint.TRANSACTION_COMMITTED)
        for queue in session.info.get("nudges", ()):
            passing(Failpoint.NUDGE_DUE)
            self.nudge(queue)

    def read(self) -> AbstractContextManager[Session]:
        """Open a session that can only read, as the database makes sure; it never waits for a writer."""
        return self._reading({})

    def snapshot(self) -> AbstractContextManager[Session]:
        """Open one as `read` does, all of whose statements see what was committed when the first one began."""
        return self._reading(self._one_moment)

    @contextmanager
    def _reading(self, options: Mapping[str, Any]) -> Iterator[Session]:
        options = {"read_only": True, **self._read_only, **options}
        with (
            self.engine.connect().execution_options(**options) as connection,
            Session(connection, expire_on_commit=False, autoflush=False) as session,
        ):
            yield session

    def run(self, work: Callable[[Session], Result]) -> Result:
        """Do `work` in a transaction of its own, again when the database was locked, restarted or in conflict."""
        return self._repeat(self.transaction, work)

    def ask(self, question: Callable[[Connection], Result]) -> Result:
        """Answer `question`, whose connection can only read, and reads at each statement what is committed then.

        It costs no BEGIN, no ROLLBACK and no objects: for what one statement of plain columns answers, or several that
        need not agree. Asked again as `run` does work again.
        """
        return self._repeat(self.questions.connect, question)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite has one writer, and those who wait for it sleep and look again: this process's own stand in line."""
        in_line = not self._postgresql and self._writer.acquire(timeout=LOCK_SECONDS)
        try:
            yield
        finally:
            if in_line:
                self._writer.release()

    @staticmethod
    def _repeat(
        begin: Callable[[], AbstractContextManager[Opened]], work: Callable[[Opened], Result]
    ) -> Result:
        def once() -> Result:
            with begin() as opened:
                return work(opened)

        return _again(once, lambda: True)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
        self.questions.dispose()


def repeat_reads(work: Callable[[], Result]) -> Result:
    """Do `work` again when the database broke under it before it opened a transaction: what only reads, or had to."""
    before = _begun.get()
    return _again(work, lambda: _begun.get() == before)


def _again(work: Callable[[], Result], allowed: Callable[[], bool]) -> Result:
    """Do `work` again, a bounded number of times and for a bounded time, while its failures pass."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return work()
        except DBAPIError as error:
            over = attempt == _ATTEMPTS or time.monotonic() > give_up_at
            if over or not _is_passing(error) or not allowed():
                raise
            time.sleep(_FIRST_DELAY * 2**attempt * random.uniform(0.5, 1))  # noqa: S311  # jitter, no secret
    raise AssertionError("the last attempt either returned or raised")


def nudge_after_commit(session: Session, queue: str) -> None:
    """Have the workers of `queue` woken when this transaction has committed."""
    session.info.setdefault("nudges", set()).add(queue)


def _is_passing(error: DBAPIError) -> bool:
    """Say whether the same work may succeed when it is done again."""
    if error.connection_invalidated:
        return True
    if getattr(error.orig, "sqlstate", None) in _PASSING_STATES:
        return True
    return isinstance(error, OperationalError) and any(
        sign in str(error.orig) for sign in ("database is locked", "connection", "server closed")
    )
