"""Locks of SQLite: who writes stands in line, who reads does not."""

import sqlite3
import threading

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cloudpay.kernel.db import Database
from cloudpay.kernel.engines import LOCK_SECONDS
from tests.cloudpay.kernel.counters import add_one, count


def test_sqlite_a_writer_takes_the_lock_before_it_reads(sqlite: Database) -> None:
    entered = threading.Event()

    def enter(session: Session) -> None:
        add_one(session)
        entered.set()

    second = threading.Thread(target=sqlite.run, args=(enter,))
    with sqlite.transaction() as session:
        session.execute(text("SELECT 1"))  # with a plain BEGIN this would lock nothing
        other = sqlite3.connect(sqlite.url.removeprefix("sqlite:///"), timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
        second.start()
        assert not entered.is_set()
        assert count(sqlite) == 0  # a reader waits for nobody
        add_one(session)
    second.join(20)
    assert count(sqlite) == 2


def test_sqlite_keeps_a_commit_over_a_power_cut_and_checks_foreign_keys(sqlite: Database) -> None:
    with sqlite.read() as session:
        found = {
            name: session.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_sqlite_reads_do_not_take_the_writers_lock(sqlite: Database) -> None:
    statements: list[str] = []
    event.listen(
        sqlite.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_rest: statements.append(statement),
    )
    count(sqlite)
    assert "BEGIN" in statements and "BEGIN IMMEDIATE" not in statements


def test_sqlite_writers_of_one_process_stand_in_line(sqlite: Database) -> None:
    statements: list[str] = []
    event.listen(
        sqlite.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_rest: statements.append(statement),
    )
    second = threading.Thread(target=sqlite.run, args=(add_one,))
    with sqlite.transaction() as session:
        session.execute(text("SELECT 1"))
        second.start()
        second.join(0.1)
        assert (
            statements.count("BEGIN IMMEDIATE") == 1
        )  # it has not even asked, so it need not look again and again
    second.join(20)
    assert count(sqlite) == 1


def test_sqlite_a_writer_waits_for_another_process_a_bounded_time(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(sqlite.url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with monkeypatch.context() as now:
        now.setattr("cloudpay.kernel.engines.LOCK_SECONDS", 0)
        with pytest.raises(OperationalError, match="locked"), sqlite.transaction() as session:
            add_one(session)
    looks: list[float] = []

    def look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            other.execute("COMMIT")

    with monkeypatch.context() as now, sqlite.transaction() as session:
        now.setattr("cloudpay.kernel.engines.time.sleep", look)
        add_one(session)
        assert session.execute(text("PRAGMA busy_timeout")).scalar_one() == LOCK_SECONDS * 1000
    other.close()
    assert len(looks) == 3 and max(looks) < 0.01, "so that it meets the moment between two others"
    assert count(sqlite) == 1
