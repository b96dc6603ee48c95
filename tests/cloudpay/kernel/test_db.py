"""Transactions: all or nothing, one at a time, and nothing slow inside."""

import threading

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cloudpay.kernel.db import Database, nudge_after_commit, refuse_inside_transaction
from tests.cloudpay.kernel.counters import add_one, count


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


def test_a_snapshot_sees_nothing_of_what_is_committed_after_it_began(table: Database) -> None:
    asked = text("SELECT count FROM counters")
    with table.snapshot() as session:
        assert session.scalar(asked) == 0
        table.run(add_one)
        assert session.scalar(asked) == 0
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


def test_no_connection_compiles_its_statements_also_after_a_rollback(db: Database) -> None:
    if db.engine.dialect.name == "sqlite":
        return  # it has nothing of the kind
    ask = text("SHOW jit")
    for _ in range(2):  # the pool rolls back between them
        with db.read() as session:
            assert session.execute(ask).scalar_one() == "off"
    assert db.ask(lambda session: session.execute(ask).scalar_one()) == "off"
