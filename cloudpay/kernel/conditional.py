"""The conditional write that every claim rests on: change rows that are still in one state, and learn how many."""

from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Update
from sqlalchemy.orm import Session


def changed_rows(session: Session, statement: Update | Delete) -> int:
    """Run an UPDATE or DELETE in the database alone, past the session's objects; answer how many rows it met."""
    plain = statement.execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", session.execute(plain)).rowcount
