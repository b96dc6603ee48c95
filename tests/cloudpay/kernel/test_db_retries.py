"""What is done again after a lock, a conflict or a broken connection, and what never is."""

import sqlite3
import threading
import time

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from cloudpay.kernel.db import Database, repeat_reads
from cloudpay.kernel.engines import LOCK_SECONDS
from tests.cloudpay.kernel.counters import add_one, count


def lost() -> DBAPIError:
    return DBAPIError("SELECT", {}, Exception("gone"), connection_invalidated=True)


def test_f114_work_is_done_again_while_the_database_is_locked(table: Database, naps: list[float]) -> None:
    attempts: list[int] = []

    def work(session: Session) -> str:
        add_one(session)
        attempts.append(1)
        if len(attempts) < 4:
            raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))
        return "done"

    assert table.run(work) == "done"
    assert (len(attempts), len(naps), count(table)) == (4, 3, 1)


def test_retries_are_bounded_and_wait_longer_each_time(table: Database, naps: list[float]) -> None:
    def work(_session: Session) -> None:
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))

    with pytest.raises(OperationalError):
        table.run(work)
    assert len(naps) == 5
    assert sum(naps) < 5
    assert naps[-1] > naps[0]


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_work_is_done_again_after_a_conflict(table: Database, naps: list[float], state: str) -> None:
    class Conflict(Exception):
        sqlstate = state

    attempts: list[int] = []

    def work(session: Session) -> None:
        attempts.append(1)
        add_one(session)
        if len(attempts) == 1:
            raise DBAPIError("UPDATE", {}, Conflict())

    table.run(work)
    assert (len(attempts), count(table)) == (2, 1)


def test_f113_work_is_done_again_after_the_connection_broke(table: Database, naps: list[float]) -> None:
    attempts: list[int] = []

    def work(session: Session) -> None:
        attempts.append(1)
        add_one(session)
        if len(attempts) == 1:
            raise DBAPIError("UPDATE", {}, Exception("gone"), connection_invalidated=True)

    table.run(work)
    assert (len(attempts), count(table)) == (2, 1)


def test_what_can_never_succeed_is_not_tried_again(table: Database, naps: list[float]) -> None:
    def work(session: Session) -> None:
        session.execute(text("INSERT INTO counters VALUES ('a', 1)"))

    with pytest.raises(IntegrityError):
        table.run(work)
    assert naps == []


def test_f113_a_question_is_asked_again_after_the_connection_broke(
    table: Database, naps: list[float]
) -> None:
    attempts: list[int] = []

    def question(connection: Connection) -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise DBAPIError("SELECT", {}, Exception("gone"), connection_invalidated=True)
        return int(connection.execute(text("SELECT count FROM counters")).scalar_one())

    assert (table.ask(question), len(attempts)) == (0, 2)


def test_f113_a_connection_that_died_while_it_was_idle_is_replaced_unnoticed(
    table: Database, monkeypatch: pytest.MonkeyPatch, naps: list[float]
) -> None:
    if table.engine.dialect.name == "sqlite":
        return  # its connections are files: nothing can end them from outside
    monkeypatch.setattr("cloudpay.kernel.engines._IDLE_SECONDS", -1.0)
    backend = text("SELECT pg_backend_pid()")
    mine = {table.ask(lambda session: session.execute(backend).scalar_one())}
    with table.read() as session:
        mine.add(session.execute(backend).scalar_one())
    killer = Database(table.url)
    with killer.transaction() as session:
        for pid in mine:
            session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    killer.close()
    assert count(table) == table.ask(lambda session: session.execute(text("SELECT 0")).scalar_one()) == 0
    assert naps == []


def test_f113_what_only_read_is_done_again_after_the_connection_broke(
    table: Database, naps: list[float]
) -> None:
    attempts: list[int] = []

    def work() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise lost()
        return count(table)

    assert repeat_reads(work) == 0
    assert (len(attempts), len(naps)) == (3, 2)


def test_what_may_have_written_is_not_done_again(table: Database, naps: list[float]) -> None:
    def work() -> None:
        table.run(add_one)
        raise lost()

    with pytest.raises(DBAPIError):
        repeat_reads(work)
    assert (count(table), naps) == (1, [])


def test_f114_retries_end_with_the_time_that_a_request_may_take(
    table: Database, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.kernel.db._PATIENCE_SECONDS", -1.0)

    def work(_session: Session) -> None:
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))

    with pytest.raises(OperationalError):
        table.run(work)
    assert naps == []


def test_f114_a_row_that_another_transaction_holds_is_waited_for_a_bounded_time(
    table: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if table.engine.dialect.name == "sqlite":
        return  # it locks the database, not rows; test_db_sqlite.py holds its wait
    monkeypatch.setattr("cloudpay.kernel.engines.LOCK_SECONDS", 1)
    impatient, attempts, waits = Database(table.url), 0, list[float]()

    def work(session: Session) -> None:
        nonlocal attempts
        attempts += 1
        add_one(session)

    with table.transaction() as holder:
        add_one(holder)

        def elsewhere() -> None:
            began = time.monotonic()
            with pytest.raises(OperationalError, match="lock timeout"):
                impatient.run(work)
            waits.append(time.monotonic() - began)

        other = threading.Thread(target=elsewhere)
        other.start()
        other.join(30)
    assert attempts > 1 and [1 < each < 30 for each in waits] == [True]
    impatient.run(work)
    impatient.close()
    assert count(table) == 2, "what was given up has left nothing behind"


def test_every_connection_waits_no_longer_for_a_lock_than_a_writer_does_on_sqlite(db: Database) -> None:
    if db.engine.dialect.name == "sqlite":
        return  # its own wait is a pragma, held in test_db_sqlite.py
    ask = text("SHOW lock_timeout")
    for _ in range(2):  # the pool rolls back between them
        with db.read() as session:
            assert session.execute(ask).scalar_one() == f"{LOCK_SECONDS}s"
    assert db.ask(lambda session: session.execute(ask).scalar_one()) == f"{LOCK_SECONDS}s"
