from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Dialect, Integer, MetaData, Table, create_engine, insert, select
from sqlalchemy.exc import StatementError

from cloudpay.kernel.columns import BaseUnits, Moment
from cloudpay.kernel.db import Database
from cloudpay.kernel.money import MAX_BASE_UNITS

TABLE = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("amount", BaseUnits),
    Column("at", Moment),
)
DIALECTS = st.sampled_from([create_engine(url).dialect for url in ("sqlite://", "postgresql://")])


@pytest.fixture
def table(db: Database) -> Database:
    TABLE.create(db.engine)
    return db


@given(st.integers(0, MAX_BASE_UNITS), st.integers(0, MAX_BASE_UNITS), DIALECTS)
def test_amounts_as_text_are_exact_and_sort_as_numbers(one: int, other: int, dialect: Dialect) -> None:
    column = BaseUnits()
    first, second = (column.process_bind_param(each, dialect) for each in (one, other))
    assert first is not None and second is not None
    assert column.process_result_value(first, dialect) == one
    assert (first < second) == (one < other)


def test_the_database_compares_and_keeps_the_greatest_amounts(table: Database) -> None:
    amounts = [0, 1, 9, 10, 2**63, 2**256 - 1, MAX_BASE_UNITS]
    with table.transaction() as session:
        session.execute(
            insert(TABLE), [{"id": number, "amount": each} for number, each in enumerate(amounts)]
        )
    with table.read() as session:
        assert session.scalars(select(TABLE.c.amount).order_by(TABLE.c.amount)).all() == amounts
        assert session.scalars(select(TABLE.c.amount).where(TABLE.c.amount >= 2**63)).all() == amounts[4:]


@pytest.mark.parametrize("amount", [-1, MAX_BASE_UNITS + 1])
def test_an_amount_that_does_not_fit_is_refused(table: Database, amount: int) -> None:
    with pytest.raises(StatementError, match="do not fit"), table.transaction() as session:
        session.execute(insert(TABLE).values(id=1, amount=amount))


def test_a_moment_comes_back_in_utc_to_the_microsecond(table: Database) -> None:
    moment = datetime(2026, 7, 1, 1, 30, 0, 123456, timezone(timedelta(hours=2)))
    with table.transaction() as session:
        session.execute(insert(TABLE).values(id=1, at=moment))
    with table.read() as session:
        found = session.scalars(select(TABLE.c.at)).one()
        assert session.scalars(select(TABLE.c.id).where(TABLE.c.at == moment)).one() == 1
    assert found == moment
    assert found.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(table: Database) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(StatementError, match="without a zone"), table.transaction() as session:
        session.execute(insert(TABLE).values(id=1, at=naive))


def test_nothing_stays_nothing(table: Database) -> None:
    with table.transaction() as session:
        session.execute(insert(TABLE).values(id=1, amount=None, at=None))
    with table.read() as session:
        assert session.execute(select(TABLE.c.amount, TABLE.c.at)).one() == (None, None)
