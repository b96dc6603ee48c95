"""A column held against a whole list, handed over as one value: no limit on variables, no statement of 5,000 marks."""

import json
from collections.abc import Collection

from sqlalchemy import String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql import ColumnElement


def among(
    session: Session, column: InstrumentedAttribute[str], texts: Collection[str]
) -> ColumnElement[bool]:
    """Answer the condition that a text column is one of these; an index of the column serves it."""
    wanted = sorted(texts)
    if session.get_bind().dialect.name == "sqlite":
        each = func.json_each(json.dumps(wanted)).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(bindparam("texts", wanted, ARRAY(String), unique=True))
