"""A database that is locked, full, or loses its acknowledgement: a bounded wait, a clear word, nothing half-written."""

import errno
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel import failpoints
from cloudpay.kernel.db import Database
from cloudpay.kernel.failpoints import ERRORS, Failpoint
from cloudpay.kernel.queues import Runnable
from cloudpay.payments.loop import WatchLoop
from cloudpay.payments.models import BlockRow, NativeWatchRow, PaymentRow
from cloudpay.testing import FixedClock
from cloudpay.wallets.models import DepositAddressRow
from cloudpay.wiring import EVENT_HANDLERS
from cloudpay.wiring.drain import DrainLoop
from tests.cloudpay.shop import Shop

HOLD_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
import select
select.select([sys.stdin], [], [], float(sys.argv[2]))
"""


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


@pytest.fixture
def create(shop: Shop, client: FlaskClient, headers: dict[str, str]) -> Callable[..., TestResponse]:
    """Create an invoice over the API."""

    def post(**more: str) -> TestResponse:
        body = {
            "amount": "1", "currency": "ETH", "network": "evm", "customer_name": "John Doe",
            "notification_emails": "shop@example.com",
        }  # fmt: skip
        return client.post("/api/invoice", json=body, headers={**headers, **more})

    return post


@pytest.fixture
def sqlite_file(db: Database) -> str:
    """The file of the test's database, where that is SQLite."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("a file that another process locks is SQLite's; a PostgreSQL server has other troubles")
    return str(db.engine.url.database)


@contextmanager
def locked(file: str, seconds: float) -> Iterator[None]:
    """Have another process hold the writer's lock for so long, or until the end of the block."""
    command = [sys.executable, "-c", HOLD_LOCK, file, str(seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"locked\n"
        yield


def with_every_connection(db: Database, *statements: str) -> None:
    """Run statements on all connections that are opened from now on."""

    def prepare(connection: Any, _record: Any) -> None:
        for statement in statements:
            connection.execute(statement)

    db.engine.dispose()
    event.listen(db.engine, "connect", prepare)


def counts(db: Database) -> set[int]:
    """How many rows there are of each kind that an invoice has one of."""
    kinds = (InvoiceRow, PaymentOptionRow, DepositAddressRow, NativeWatchRow)
    with db.read() as session:
        return {session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds}


def test_f114_a_request_waits_for_a_lock_of_some_seconds(
    create: Callable[..., TestResponse], sqlite_file: str
) -> None:
    with locked(sqlite_file, 1.5):
        assert create().status_code == 201


def test_f114_a_lock_that_stays_is_a_503_within_a_bounded_time(
    create: Callable[..., TestResponse], sqlite_file: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.kernel.db._PATIENCE_SECONDS", 0.5)
    with_every_connection(db, "PRAGMA busy_timeout=300")
    with locked(sqlite_file, 60):
        answer = create()
        assert (answer.status_code, answer.json["code"]) == (503, "database_unavailable")  # type: ignore[index]
        assert int(answer.headers["Retry-After"]) > 0
        assert counts(db) == {0}
    assert create().status_code == 201


def test_f114_reading_goes_on_while_the_database_is_locked(
    create: Callable[..., TestResponse], sqlite_file: str, client: FlaskClient, headers: dict[str, str]
) -> None:
    invoice = create().json
    assert invoice is not None
    with locked(sqlite_file, 60):
        assert client.get(f"/api/invoice/{invoice['id']}", headers=headers).status_code == 200


def test_f115_a_full_disk_refuses_the_request_whole_and_it_goes_on_when_there_is_room(
    create: Callable[..., TestResponse], sqlite_file: str, db: Database
) -> None:
    assert create().status_code == 201
    with db.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    with_every_connection(db, f"PRAGMA max_page_count={pages + 2}")
    for made in range(200):
        answer = create(**{"Idempotency-Key": f"order-{made}"})
        if answer.status_code != 201:
            break
    else:
        pytest.fail("the disk did not become full")
    assert (answer.status_code, answer.json["code"]) == (503, "storage_full")  # type: ignore[index]
    assert int(answer.headers["Retry-After"]) > 0
    assert counts(db) == {made + 1}
    with_every_connection(db, "PRAGMA max_page_count=1000000")
    assert create(**{"Idempotency-Key": f"order-{made}"}).status_code == 201
    assert counts(db) == {made + 2}


@pytest.mark.parametrize(
    "error",
    [
        ERRORS["full"](),
        ERRORS["ENOSPC"](),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        OperationalError("INSERT", {}, psycopg.errors.DiskFull("could not extend file: No space left on device")),
    ],
    ids=["sqlite", "ENOSPC", "quota", "postgresql"],
)  # fmt: skip
def test_f115_no_room_in_the_middle_of_a_request_is_told_as_that(
    create: Callable[..., TestResponse], db: Database, error: Exception
) -> None:
    def fail() -> None:
        raise error

    failpoints.arm(Failpoint.INVOICE_INSERTED, fail)
    answer = create()
    assert (answer.status_code, answer.json["code"]) == (503, "storage_full")  # type: ignore[index]
    assert counts(db) == {0}
    assert create().status_code == 201


@pytest.mark.parametrize("place", [Failpoint.PAGE_TAKEN_IN, Failpoint.CREDIT_POSTED, Failpoint.PAGE_SETTLED])
def test_f115_a_page_that_finds_no_room_is_taken_in_whole_later(
    shop: Shop, db: Database, place: Failpoint
) -> None:
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.mine(5)

    error = ERRORS["full"]()

    def fail() -> None:
        raise error

    with db.read() as session:
        before = session.scalar(select(func.max(BlockRow.height)))
    failpoints.arm(place, fail)
    with pytest.raises(OperationalError, match="disk is full"):
        shop.watcher.poll()
    with db.read() as session:
        assert session.scalar(select(func.max(BlockRow.height))) == before
        assert session.scalar(select(func.count()).select_from(PaymentRow)) == 0
    shop.look()
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == invoice.option.amount


def test_f113_a_commit_whose_acknowledgement_is_lost_makes_one_invoice(
    create: Callable[..., TestResponse], db: Database
) -> None:
    inserted: list[bool] = []

    def lose() -> None:
        if inserted:
            inserted.clear()
            failpoints.disarm()
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("server closed the connection"))

    failpoints.arm(Failpoint.INVOICE_INSERTED, lambda: inserted.append(True))
    failpoints.arm(Failpoint.TRANSACTION_COMMITTED, lose, again=True)
    answer = create()
    assert answer.status_code == 201
    assert counts(db) == {1}
    with db.read() as session:
        assert session.scalar(select(InvoiceRow.id)) == answer.json["id"]  # type: ignore[index]


@pytest.mark.parametrize("kind", ["gone", "locked", "full"])
def test_f113_loops_outlive_a_database_that_fails_them(shop: Shop, clock: FixedClock, kind: str) -> None:
    error, failed = ERRORS[kind](), threading.Semaphore(0)

    def fail() -> None:
        failed.release()
        raise error

    failpoints.arm(Failpoint.POLL_BEGUN, fail)
    failpoints.arm(Failpoint.OUTBOX_CLAIMED, fail)
    invoice = shop.ask()
    shop.pay(invoice)
    shop.chain.mine(5)
    stop, wakes = threading.Event(), [threading.Event(), threading.Event()]
    shop.watcher.keeper.release()
    loops: list[Runnable] = [
        WatchLoop(shop.gateway, shop.watcher.network),
        DrainLoop(shop.gateway, EVENT_HANDLERS),
    ]
    threads = [
        threading.Thread(target=loop.run, args=(stop, wake), daemon=True)
        for loop, wake in zip(loops, wakes, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            assert failed.acquire(timeout=20)
        clock.advance(timedelta(seconds=30))  # beyond the claim of the events that were under way
        deadline = time.monotonic() + 20
        while shop.state(invoice).status is not InvoiceStatus.PAID:
            assert time.monotonic() < deadline, "the loops did not go on"
            for wake in wakes:
                wake.set()
            time.sleep(0.02)  # between two looks
        assert all(thread.is_alive() for thread in threads)
    finally:
        stop.set()
        for wake in wakes:
            wake.set()
        for thread in threads:
            thread.join(20)
