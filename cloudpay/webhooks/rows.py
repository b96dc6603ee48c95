"""The two conditional writes that claims and idempotence rest on, for SQLite and PostgreSQL alike."""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import CursorResult, Update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cloudpay.kernel.db import Base

_INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def insert_missing(session: Session, model: type[Base], values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same key is there; answer whether it was inserted."""
    insert = _INSERT[session.get_bind().dialect.name]
    return _count(session, insert(model).values(**values).on_conflict_do_nothing()) == 1


def change_row(session: Session, statement: Update) -> bool:
    """Run an UPDATE whose conditions name one row in a certain state; answer whether it was still so."""
    return _count(session, statement.execution_options(synchronize_session=False)) == 1


def _count(session: Session, statement: Any) -> int:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount
