from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from cloudpay.app.migrate import upgrade
from cloudpay.app.start import current_revision
from cloudpay.kernel.db import Database
from cloudpay.migrations import HEAD
from cloudpay.tables import metadata


@pytest.fixture
def migrated(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    upgrade(database)
    yield database
    database.close()


def test_the_migrations_make_the_tables_of_the_models(migrated: Database) -> None:
    assert current_revision(migrated) == HEAD
    with migrated.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("table", ["audit_entries", "ledger_journals", "ledger_entries"])
def test_append_only_tables_are_so_after_a_migration(migrated: Database, table: str) -> None:
    with migrated.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            found = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t"), {"t": table}
            )
            assert len(found.all()) == 2
        else:
            with pytest.raises(DBAPIError, match="append-only"):
                connection.execute(text(f"TRUNCATE {table} CASCADE"))


def test_migrating_again_changes_nothing(migrated: Database) -> None:
    upgrade(migrated)
    assert current_revision(migrated) == HEAD
