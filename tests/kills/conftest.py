"""What the tests of a gateway under kills ask for: a folder in memory and an empty database."""

from collections.abc import Callable, Iterator

import pytest

from tests.flows.databases import database_on
from tests.kills.databases import driver, postgres


@pytest.fixture
def empty_database(server_database: str | None) -> Iterator[str]:
    """The URL of an empty database on the server that the tests run on; empty for SQLite in the test's folder."""
    if server_database is None:
        yield ""
        return
    with database_on(driver(server_database)) as url:
        yield url


@pytest.fixture
def crashing_database() -> Iterator[tuple[str, Callable[[], None]]]:
    """An empty database on a private PostgreSQL server, and what crashes that server and starts it again."""
    with postgres() as (new_database, restart):
        yield new_database(), restart
