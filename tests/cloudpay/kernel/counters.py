"""A table with one counter: what transactions of the tests change."""

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from cloudpay.kernel.db import Database


def make_counter(db: Database) -> None:
    """Make the table, its counter at 0."""
    with db.transaction() as session:
        session.execute(text("CREATE TABLE counters (name VARCHAR(20) PRIMARY KEY, count INTEGER NOT NULL)"))
        session.execute(text("INSERT INTO counters VALUES ('a', 0)"))


def count(db: Database) -> int:
    """Answer what is committed."""
    with db.read() as session:
        return int(session.execute(text("SELECT count FROM counters WHERE name = 'a'")).scalar_one())


def add_one(session: Session | Connection) -> None:
    """Count one further."""
    session.execute(text("UPDATE counters SET count = count + 1 WHERE name = 'a'"))
