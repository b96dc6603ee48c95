"""Connections to both kinds of database: how each is prepared, and how one that broke while idle is found out."""

import random
import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError

LOCK_SECONDS = 5
"""How long a writer waits for its turn: on SQLite for the database, on PostgreSQL for a row that another one holds."""

_IDLE_SECONDS = 1.0
"""A connection that lay unused for longer is asked whether it lives; under load that costs nothing."""

_LOOK_AGAIN_SECONDS = (0.001, 0.003)
_PRIMARY = 0xFF
"""What of an SQLite error's code names its kind."""

_QUESTIONS = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
_LATEST_FIRST = {"poolclass": QueuePool, "pool_use_lifo": True}
"""The connection that was used last has its pages and its prepared statements at hand."""

_RETURNED = "returned at"
_QUERY_ONLY = "query only"


def open_engine(url: str, *, questions: bool = False) -> Engine:
    """Answer an engine for transactions; with `questions` one whose connections only read, each statement by itself."""
    how: dict[str, Any] = _QUESTIONS if questions else {}
    if make_url(url).get_backend_name() == "sqlite":
        waits = {"timeout": LOCK_SECONDS, "check_same_thread": False}
        engine = create_engine(url, connect_args=waits, **_LATEST_FIRST, **how)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, *(("connect", _forbid_sqlite) if questions else ("begin", _begin_sqlite)))
        return engine
    engine = create_engine(url, pool_size=10, max_overflow=20, **_LATEST_FIRST, **how)
    event.listen(engine, "connect", _prepare_postgresql)
    if questions:
        event.listen(engine, "connect", _forbid_postgresql)
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", _Probe(engine))
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """WAL lets readers go on beside the one writer; FULL means that a commit survives a power cut."""
    connection.isolation_level = None  # transactions are opened below, explicitly
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={LOCK_SECONDS}000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """Set what holds for every transaction.

    No statement here is long enough to be compiled first: among a million invoices that took 83 ms of each look. And
    whoever stops while it holds a row, or locks a table by hand, must not have everyone else wait for ever.
    """
    connection.execute("SET jit = off")
    connection.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    connection.commit()  # or the first rollback would take it back


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: one that upgrades later can fail as locked whatever the timeout."""
    read_only = bool(connection.get_execution_options().get("read_only", False))
    if connection.info.get(_QUERY_ONLY) is not read_only:
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
        connection.info[_QUERY_ONLY] = read_only
    if read_only:
        connection.exec_driver_sql("BEGIN")
    else:
        _take_sqlite(connection)


def _take_sqlite(connection: Connection) -> None:
    """Begin as the one writer, looking every other millisecond whether another process has ended.

    SQLite's own waiting sleeps ever longer, up to a tenth of a second: beside a busy process, a writer of another one
    would hardly ever find the moment in between.
    """
    give_up_at = time.monotonic() + LOCK_SECONDS
    settings: Any = connection.connection.dbapi_connection
    settings.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
                if code & _PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                    raise
            time.sleep(random.uniform(*_LOOK_AGAIN_SECONDS))  # noqa: S311  # jitter, no secret
    finally:
        settings.execute(f"PRAGMA busy_timeout={LOCK_SECONDS}000")


def _forbid_sqlite(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only=ON")


def _forbid_postgresql(connection: Any, _record: Any) -> None:
    connection.execute("SET default_transaction_read_only = on")


def _note_return(_connection: Any, record: Any) -> None:
    record.info[_RETURNED] = time.monotonic()


class _Probe:
    """Has the pool replace what died while it was idle; what dies in use is met by doing the work again."""

    def __init__(self, engine: Engine) -> None:
        self._dialect = engine.dialect

    def __call__(self, connection: Any, record: Any, _proxy: Any) -> None:
        now = time.monotonic()
        if now - record.info.get(_RETURNED, now) <= _IDLE_SECONDS:
            return
        try:
            self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error
