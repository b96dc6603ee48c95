from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from cloudpay.app.migrate import upgrade
from cloudpay.app.start import current_revision
from cloudpay.kernel.db import Database
from cloudpay.migrations import HEAD
from cloudpay.payouts.models import BatchRow
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.tables import metadata
from cloudpay.wallets.freezes import freezes


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


def test_a_freeze_that_asked_for_a_reconciliation_still_needs_it_after_the_upgrade(database_url: str) -> None:
    database = Database(database_url)
    upgrade(database, "0008_reconcile")
    statement = text("INSERT INTO freezes (network, reason, since) VALUES (:network, :reason, :since)")
    reasons = {"*": "It was restored. Then run `cloudpay thaw --reconciled`.", "evm": "a key may be stolen"}
    with database.engine.begin() as connection:
        for network, reason in reasons.items():
            row = {"network": network, "reason": reason, "since": "2026-01-02 03:04:05"}
            connection.execute(statement, row)
    upgrade(database)
    with database.read() as session:
        found = {each.network: each.needs_reconciliation for each in freezes(session)}
    assert found == {"*": True, "evm": False}
    database.close()


def test_what_was_paid_before_sweeps_waits_to_be_collected(database_url: str) -> None:
    database = Database(database_url)
    upgrade(database, "0004_payouts")
    at, units = "2026-01-02 03:04:05", "1".rjust(78, "0")
    rows = [
        (
            "INSERT INTO merchants (id, name, livemode, account_index, webhook_secret, created_at) "
            "VALUES ('mer_1', 'Tea', :no, 0, '', :at)"
        ),
        (
            "INSERT INTO deposit_addresses (id, key_family, address, account, chain, index, merchant_id, invoice_id, "
            "livemode, created_at) VALUES ('dep_1', 'evm', '0xA', 4, 0, 7, 'mer_1', 'inv_1', :no, :at)"
        ),
        (
            "INSERT INTO invoices (id, merchant_id, livemode, status, customer_name, notification_emails, "
            "undeliverable, priority, created_at, expires_at, sequence, version) "
            "VALUES ('inv_1', 'mer_1', :no, 'paid', 'J', '', '', 'high', :at, :at, 0, 1)"
        ),
        *(
            "INSERT INTO payments (id, merchant_id, livemode, invoice_id, deposit_address_id, network, asset, tx_id, "
            "ordinal, address, source, amount, status, block_height, block_hash, block_time, first_seen_at, final_at, "
            f"credits) VALUES ('pay_{number}', 'mer_1', :no, 'inv_1', 'dep_1', 'evm', '', 'tx{number}', 0, '0xA', "
            f"'native', :units, '{status}', 1, 'h', :at, :at, :at, 1)"
            for number, status in enumerate(["final", "final", "confirming"])
        ),
    ]
    with database.engine.begin() as connection:
        quoted = '"index"'
        for each in rows:
            statement = text(each.replace(" index,", f" {quoted},"))
            connection.execute(statement, {"no": False, "at": at, "units": units})
    upgrade(database)
    with database.read() as session:
        [row] = session.scalars(select(UnsweptRow)).all()
    assert (row.network, row.address, row.asset, row.tier) == ("evm", "0xA", "", "high")
    assert (row.account, row.chain, row.index, row.livemode) == (4, 0, 7, False)
    assert row.due_at == row.since == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (row.standing, row.amount, row.looks) == ("new", 0, 0)
    database.close()


def test_a_batch_of_before_is_answered_again_with_the_approvals_that_it_was_accepted_with(
    database_url: str,
) -> None:
    database = Database(database_url)
    upgrade(database, "0008_reconcile")
    merchant = (
        "INSERT INTO merchants (id, name, livemode, account_index, webhook_secret, created_at) "
        "VALUES ('mer_1', 'Tea', :no, 0, '', :at)"
    )
    batch = (
        "INSERT INTO payout_batches (id, merchant_id, livemode, content_hash, auto_confirm, accepted_as, created_by, "
        'created_at, items, awaiting, "open", approvals_needed) '
        "VALUES (:id, 'mer_1', :no, '', :no, 'awaiting_confirmation', 'x', :at, 1, 1, 1, :needed)"
    )
    values = {"no": False, "at": "2026-01-02 03:04:05"}
    with database.engine.begin() as connection:
        connection.execute(text(merchant), values)
        for name, needed in (("bat_1", 0), ("bat_2", 2)):
            connection.execute(text(batch), {**values, "id": name, "needed": needed})
    upgrade(database)
    with database.read() as session:
        found = session.execute(select(BatchRow.id, BatchRow.accepted_approvals).order_by(BatchRow.id)).all()
    assert [tuple(each) for each in found] == [("bat_1", 0), ("bat_2", 2)]
    database.close()
