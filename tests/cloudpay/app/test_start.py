"""Opening a gateway: the database comes to this version's tables whole, or not at all."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from cloudpay.app.migrate import _ADVISORY_LOCK, upgrade
from cloudpay.app.start import (
    DatabaseNotMigrated,
    DatabaseUnreachable,
    close_gateway,
    current_revision,
    open_gateway,
)
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import KeyFileError
from cloudpay.kernel.sections import Log
from cloudpay.kernel.settings import Settings
from cloudpay.migrations import HEAD

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    """A database without any table."""
    database = Database(database_url)
    yield database
    database.close()


def settings(folder: Path, database_url: str = "") -> Settings:
    return Settings(data_dir=str(folder / "data"), database_url=database_url, log=Log(level="error"))


def test_the_embedded_database_is_made_and_migrated_at_start(tmp_path: Path) -> None:
    gateway = open_gateway(settings(tmp_path), process="test")
    assert current_revision(gateway.db) == HEAD
    close_gateway(gateway)
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


def test_another_database_is_never_migrated_behind_its_owners_back(tmp_path: Path, empty: Database) -> None:
    with pytest.raises(DatabaseNotMigrated, match="cloudpay database upgrade"):
        open_gateway(settings(tmp_path, empty.url), process="test")
    assert not inspect(empty.engine).get_table_names()


def test_a_database_of_a_newer_version_stops_the_start(tmp_path: Path, empty: Database) -> None:
    upgrade(empty)
    with empty.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseNotMigrated, match="a newer version"):
        open_gateway(settings(tmp_path, empty.url), process="test")


def test_processes_that_start_together_migrate_once(empty: Database) -> None:
    """F116."""
    failures: list[BaseException] = []

    def migrate() -> None:
        own = Database(empty.url)
        try:
            upgrade(own)
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=migrate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert current_revision(empty) == HEAD


def test_a_process_waits_for_anothers_migration_however_long_that_takes(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F116: no lock is waited for as long as a migration of great tables may take, but this one."""
    if empty.engine.dialect.name == "sqlite":
        return  # the database's own lock is the only one there
    monkeypatch.setattr("cloudpay.kernel.engines.LOCK_SECONDS", 1)
    own, onlooker = Database(empty.url), Database(empty.url)
    waits = text(
        "SELECT max(extract(epoch FROM clock_timestamp() - query_start)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event = 'advisory'"
    )
    second = threading.Thread(target=upgrade, args=(own,))
    with empty.engine.begin() as first:
        first.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        second.start()
        deadline = time.monotonic() + 60
        while (onlooker.ask(lambda asked: asked.execute(waits).scalar()) or 0) < 2:
            assert second.is_alive() and time.monotonic() < deadline, "it gave up"
            time.sleep(0.05)
    second.join(60)
    assert current_revision(empty) == HEAD
    own.close()
    onlooker.close()


def test_a_migration_killed_midway_leaves_nothing_and_the_next_one_succeeds(empty: Database) -> None:
    """F116."""
    code = (
        "import os, signal\n"
        "from sqlalchemy import event\n"
        "from cloudpay.app.migrate import upgrade\n"
        "from cloudpay.kernel.db import Database\n"
        f"db = Database({empty.url!r})\n"
        "@event.listens_for(db.engine, 'after_cursor_execute')\n"
        "def kill(connection, cursor, statement, *rest):\n"
        "    if 'CREATE TABLE payments' in statement:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "upgrade(db)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -9
    assert not inspect(empty.engine).get_table_names()
    upgrade(empty)
    assert current_revision(empty) == HEAD


def test_a_database_that_is_away_is_one_sentence_without_its_password(tmp_path: Path) -> None:
    away = settings(tmp_path, "postgresql://pay:secret@127.0.0.1:1/pay")
    with pytest.raises(DatabaseUnreachable) as raised:
        open_gateway(away, process="test")
    assert "127.0.0.1" in raised.value.message
    assert "secret" not in raised.value.message


def test_a_named_app_key_that_is_missing_stops_the_start_instead_of_being_made(tmp_path: Path) -> None:
    """A key made by mistake opens nothing, and would hash every API key to something unknown."""
    named = Settings(
        data_dir=str(tmp_path), app_key_file=str(tmp_path / "elsewhere.key"), log=Log(level="error")
    )
    with pytest.raises(KeyFileError):
        open_gateway(named, process="test")
    assert not (tmp_path / "elsewhere.key").exists()
