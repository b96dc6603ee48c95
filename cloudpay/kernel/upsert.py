"""Inserts that give way to a row that is there already: the same on SQLite and on PostgreSQL."""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

Insert = postgresql.Insert | sqlite.Insert


def upsert(session: Session, model: type[DeclarativeBase]) -> Insert:
    """Answer an INSERT of this database's dialect, to which `on_conflict_…` may be added."""
    build = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return build(model)


def insert_if_absent(
    session: Session, model: type[DeclarativeBase], values: Mapping[str, Any], *unique: str
) -> bool:
    """Insert a row unless one with the same `unique` columns is there; say whether it was inserted.

    Without `unique` any constraint counts: on PostgreSQL, two that insert the same row may meet at another one first.
    There this waits for the transaction that is inserting the same row, and then gives way to it.
    """
    elements = list(unique) or None
    statement = upsert(session, model).values(**values).on_conflict_do_nothing(index_elements=elements)
    counted = statement.execution_options(preserve_rowcount=True)  # else an ORM insert does not say
    return cast("CursorResult[Any]", session.execute(counted)).rowcount == 1
