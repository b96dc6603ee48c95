"""The conditional write that claims rest on."""

from typing import Any, cast

from sqlalchemy import CursorResult, Update
from sqlalchemy.orm import Session


def change_row(session: Session, statement: Update) -> bool:
    """Run an UPDATE whose conditions name one row in a certain state; answer whether it was still so."""
    plain = statement.execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", session.execute(plain)).rowcount == 1
