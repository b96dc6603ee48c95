"""Databases for shops that share a file."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, make_url, text

NewDatabase = Callable[[], str | None]
"""Makes an empty database that ends with the file, where the tests run on a server; None stands for SQLite."""


@contextmanager
def database_on(server: str) -> Iterator[str]:
    """Make an empty database on a server, and drop it in the end."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"deposits_{secrets.token_hex(8)}"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
