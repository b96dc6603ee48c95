"""Several new rows at once, past the ORM: one statement where the database takes it, so that it is asked once."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, insert
from sqlalchemy.orm import Session

from cloudpay.kernel.db import Base, table_of
from cloudpay.kernel.prepared import Prepared

NewRow = tuple[type[Base], Mapping[str, Any]]
"""A row class, and the values of the columns that are set; what a column's default would set is among them."""


def insert_rows(session: Session, rows: Sequence[NewRow]) -> None:
    """Insert rows of several tables, which may refer to those before them; nothing of them is kept in the session."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":  # it has no INSERT inside a WITH, and no round trips to save
        for model, values in rows:
            _alone(model, tuple(values)).run(connection, values)
        return
    statement = _together(tuple((model, tuple(values)) for model, values in rows))
    statement.run(
        connection, {_name(n, key): value for n, (_, row) in enumerate(rows) for key, value in row.items()}
    )


@lru_cache(maxsize=64)
def _alone(model: type[Base], keys: tuple[str, ...]) -> Prepared:
    return Prepared(insert(table_of(model)), keys)


@lru_cache(maxsize=64)
def _together(shape: tuple[tuple[type[Base], tuple[str, ...]], ...]) -> Prepared:
    """Answer `WITH a AS (INSERT …), b AS (INSERT …) INSERT …`; foreign keys are checked when all of it is done."""
    inserts = [
        insert(table_of(model)).values({key: bindparam(_name(n, key)) for key in keys})
        for n, (model, keys) in enumerate(shape)
    ]
    *before, last = inserts
    return Prepared(last.add_cte(*(each.cte(f"row_{n}") for n, each in enumerate(before))))


def _name(row: int, key: str) -> str:
    return f"r{row}_{key}"
