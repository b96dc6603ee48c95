import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from cloudpay.kernel.db import Database, nudge_after_commit, refuse_inside_transaction, repeat_reads
from cloudpay.kernel.engines import LOCK_SECONDS


@pytest.fixture
def table(db: Database) -> Database:
    with db.transaction() as session:
        session.execute(text("CREATE TABLE counters (name VARCHAR(20) PRIMARY KEY, count INTEGER NOT NULL)"))
        session.execute(text("INSERT INTO counters VALUES ('a', 0)"))
    return db


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'one.db'}")
    with database.transaction() as session:
        session.execute(text("CREATE TABLE counters (name VARCHAR(20) PRIMARY KEY, count INTEGER NOT NULL)"))
        session.execute(text("INSERT INTO counters VALUES ('a', 0)"))
    yield database
    database.close()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the retries would have waited."""
    found: list[float] = []
    monkeypatch.setattr("cloudpay.kernel.db.time.sleep", found.append)
    return found


def count(db: Database) -> int:
    with db.read() as session:
        return int(session.execute(text("SELECT count FROM counters WHERE name = 'a'")).scalar_one())


def add_one(session: Session | Connection) -> None:
    session.execute(text("UPDATE counters SET count = count + 1 WHERE name = 'a'"))


def test_a_transaction_commits_at_its_end(table: Database) -> None:
    with table.transaction() as session:
        add_one(session)
    assert count(table) == 1


def fail_after_adding(session: Session) -> None:
    add_one(session)
    raise ZeroDivisionError


def test_an_error_takes_the_whole_transaction_back(table: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        table.run(fail_after_adding)
    assert count(table) == 0


def test_no_transaction_opens_inside_another_one(table: Database) -> None:
    with table.transaction() as session:
        with pytest.raises(RuntimeError, match="inside another one"):
            table.run(add_one)
        add_one(session)
    assert count(table) == 1


def test_slow_work_is_refused_inside_a_transaction_alone(table: Database) -> None:
    refuse_inside_transaction("a call to a node")
    with table.transaction(), pytest.raises(RuntimeError, match="a call to a node was called inside"):
        refuse_inside_transaction("a call to a node")
    with pytest.raises(ZeroDivisionError):
        table.run(fail_after_adding)
    refuse_inside_transaction("a call to a node")


def test_another_thread_is_not_inside_this_ones_transaction(table: Database) -> None:
    refused: list[BaseException] = []

    def work() -> None:
        try:
            refuse_inside_transaction("a call")
        except RuntimeError as error:
            refused.append(error)

    with table.transaction():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(10)
    assert not refused


def test_a_reading_session_cannot_write(table: Database) -> None:
    with table.read() as session, pytest.raises(DBAPIError, match=r"(?i)read.?only"):
        add_one(session)
    with table.transaction() as session:  # and its connection can write again afterwards
        add_one(session)
    assert count(table) == 1


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


def test_queues_are_woken_once_and_only_after_the_commit(table: Database) -> None:
    woken: list[tuple[str, int]] = []
    table.nudge = lambda queue: woken.append((queue, count(table)))
    with table.transaction() as session:
        add_one(session)
        nudge_after_commit(session, "events")
        nudge_after_commit(session, "events")
        assert woken == []
    assert woken == [("events", 1)]


def test_nothing_is_woken_when_the_transaction_fails(table: Database) -> None:
    woken: list[str] = []
    table.nudge = woken.append

    def work(session: Session) -> None:
        nudge_after_commit(session, "events")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        table.run(work)
    assert woken == []


def test_a_nudge_may_open_a_transaction_of_its_own(table: Database) -> None:
    table.nudge = lambda queue: table.run(add_one)
    with table.transaction() as session:
        nudge_after_commit(session, "events")
    assert count(table) == 1


def test_writers_side_by_side_lose_nothing(table: Database) -> None:
    barrier = threading.Barrier(4, timeout=20)

    def read_then_write(session: Session) -> None:
        lock = "" if table.engine.dialect.name == "sqlite" else " FOR UPDATE"
        found = session.execute(text(f"SELECT count FROM counters WHERE name = 'a'{lock}")).scalar_one()
        session.execute(text("UPDATE counters SET count = :count"), {"count": found + 1})

    def work() -> None:
        barrier.wait()
        for _ in range(10):
            table.run(read_then_write)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert count(table) == 40


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


def test_a_question_cannot_write(table: Database) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)read.?only"):
        table.ask(add_one)
    table.run(add_one)
    assert count(table) == 1


def test_a_question_sees_at_each_statement_what_is_committed_then(table: Database) -> None:
    def look_twice(connection: Connection) -> list[int]:
        counts = [connection.execute(text("SELECT count FROM counters")).scalar_one()]
        writer = threading.Thread(target=table.run, args=(add_one,))
        writer.start()
        writer.join(20)
        return [*counts, connection.execute(text("SELECT count FROM counters")).scalar_one()]

    assert table.ask(look_twice) == [0, 1]


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


def test_no_connection_compiles_its_statements_also_after_a_rollback(db: Database) -> None:
    if db.engine.dialect.name == "sqlite":
        return  # it has nothing of the kind
    ask = text("SHOW jit")
    for _ in range(2):  # the pool rolls back between them
        with db.read() as session:
            assert session.execute(ask).scalar_one() == "off"
    assert db.ask(lambda session: session.execute(ask).scalar_one()) == "off"


def lost() -> DBAPIError:
    return DBAPIError("SELECT", {}, Exception("gone"), connection_invalidated=True)


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


def test_f114_a_row_that_another_transaction_holds_is_waited_for_a_bounded_time(
    table: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if table.engine.dialect.name == "sqlite":
        return  # it locks the database, not rows; the tests above hold its wait
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
        return  # its own wait is a pragma, held above
    ask = text("SHOW lock_timeout")
    for _ in range(2):  # the pool rolls back between them
        with db.read() as session:
            assert session.execute(ask).scalar_one() == f"{LOCK_SECONDS}s"
    assert db.ask(lambda session: session.execute(ask).scalar_one()) == f"{LOCK_SECONDS}s"
