"""An old back-up is put back: what was paid since is found again, and counted once."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, select

from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.db import Database
from cloudpay.payments.watcher import Watcher
from cloudpay.tables import metadata
from tests.cloudpay.shop import Shop

Backup = Mapping[str, Sequence[dict[str, Any]]]


def back_up(db: Database) -> Backup:
    """Copy every row of every table."""
    with db.read() as session:
        return {
            table.name: [dict(row) for row in session.execute(select(table)).mappings()]
            for table in metadata.sorted_tables
        }


def put_back(db: Database, backup: Backup) -> None:
    """Have the database as it was then."""
    metadata.drop_all(db.engine)
    metadata.create_all(db.engine)
    db.close()  # what older connections prepared was for the tables that are gone
    with db.transaction() as session:
        for table in metadata.sorted_tables:
            if backup[table.name]:
                session.execute(insert(table), backup[table.name])
            counted = table.autoincrement_column
            if counted is not None and db.engine.dialect.name == "postgresql":  # a dump restores this too
                sequence = func.pg_get_serial_sequence(table.name, counted.name)
                session.execute(select(func.setval(sequence, 1_000_000)))


def test_f117_what_was_paid_after_the_backup_is_found_again_and_credited_once(
    shop: Shop, db: Database
) -> None:
    before, after = shop.ask(), shop.ask()
    shop.pay(before)
    shop.mine(6)
    old = back_up(db)
    shop.pay(after)
    shop.mine(6)
    assert shop.state(after).status is InvoiceStatus.PAID
    put_back(db, old)
    assert shop.state(after).status is InvoiceStatus.PENDING
    shop.watcher = Watcher(shop.gateway, shop.watcher.network, shop.watcher.adapter, shop.watcher.keeper)
    shop.look()
    shop.mine()
    assert [shop.state(each).status for each in (before, after)] == [InvoiceStatus.PAID] * 2
    assert shop.held() == before.option.amount + after.option.amount
    assert len(shop.state(after).payments) == 1
