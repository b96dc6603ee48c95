"""Databases with a counter in them, for the tests of transactions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.kernel.db import Database
from tests.cloudpay.kernel.counters import make_counter


@pytest.fixture
def table(db: Database) -> Database:
    """The database of this test run, with the counter."""
    make_counter(db)
    return db


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """An SQLite file with the counter, whatever the others run on."""
    database = Database(f"sqlite:///{tmp_path / 'one.db'}")
    make_counter(database)
    yield database
    database.close()


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the retries would have waited."""
    found: list[float] = []
    monkeypatch.setattr("cloudpay.kernel.db.time.sleep", found.append)
    return found
