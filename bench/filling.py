"""Filling a database with as many invoices as wanted, by a few statements: a million in a minute or two.

They look like a shop's history: three in five paid, with a payment and a delivered webhook each, one in fifty open, the
others expired. The rows are older than any that the gateway makes, and belong to one merchant.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg

from bench.shops import Shop

_STATUS = "CASE WHEN n % 5 < 3 THEN 'paid' WHEN n % 50 = 49 THEN 'pending' ELSE 'expired' END"
_ADDRESS = "'0x' || substr(md5('a' || n) || md5('b' || n), 1, 40)"
_CREATED = "{moment}({now} - 3600 - {count} + n)"
_SETTLED = "{moment}({now} - 3000 - {count} + n)"
_OWNER = {"merchant_id": "'{merchant}'", "livemode": "false"}
_AMOUNT = "lpad(CAST(10000000 + n AS text), 78, '0')"
_COUNTED = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count})"
_SQLITE_SERIES = f"({_COUNTED} SELECT n FROM series)"
_POSTGRESQL_SERIES = "generate_series(1, {count}) AS series(n)"
_SQLITE_SPEED = ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-1000000")


class _Rows(NamedTuple):
    """What goes into one table for the invoices n that `where` holds for: an expression for each column."""

    columns: Mapping[str, str]
    where: str = "true"


def _id(prefix: str) -> str:
    """Sorts before every id that the gateway makes."""
    return f"'{prefix}01' || lpad(CAST(n AS text), 24, '0')"


TABLES: Mapping[str, _Rows] = {
    "deposit_addresses": _Rows(
        {"id": _id("dep_"), "key_family": "'evm'", "address": _ADDRESS, "account": "3", "chain": "0"}
        | {"index": "n", "invoice_id": _id("INV-"), "created_at": _CREATED, **_OWNER}
    ),
    "invoices": _Rows(
        {"id": _id("INV-"), "status": _STATUS, "customer_name": "'John Doe'", "undeliverable": "''"}
        | {"notification_emails": "'shop@example.com'", "callback_url": "'https://shop.example.com/hook'"}
        | {"priority": "'medium'", "created_at": _CREATED, "sequence": "1", "version": "1", **_OWNER}
        | {"expires_at": "{moment}({now} + n % 50 * 60 + CASE WHEN n % 50 = 49 THEN 86400 ELSE -86400 END)"}
    ),
    "payment_options": _Rows(
        {"id": _id("opt_"), "invoice_id": _id("INV-"), "position": "0", "network": "'evm'", "decimals": "6"}
        | {"asset": "'{contract}'", "symbol": "'USDT'", "address": _ADDRESS, "deposit_address_id": _id("dep_")}
        | {"amount": _AMOUNT}
    ),
    "outbox": _Rows(
        {"name": "'invoice.created'", "subject": _id("INV-"), "payload": "'{{}}'", "created_at": _CREATED}
        | {"due_at": _CREATED, "attempts": "0", "handled_at": _SETTLED}
    ),
    "payments": _Rows(
        {"id": _id("pay_"), "invoice_id": _id("INV-"), "deposit_address_id": _id("dep_"), "network": "'evm'"}
        | {"asset": "'{contract}'", "tx_id": "'0x' || md5('t' || n) || md5('x' || n)", "ordinal": "0", **_OWNER}
        | {"address": _ADDRESS, "source": "'log'", "amount": _AMOUNT}
        | {"status": "'final'", "block_height": "n / 10", "block_hash": "'0x' || md5('h' || (n / 10))"}
        | {"block_time": _CREATED, "first_seen_at": _CREATED, "final_at": _SETTLED, "credits": "1"},
        where="n % 5 < 3",
    ),
    "webhook_deliveries": _Rows(
        {"id": _id("whd_"), "event_id": _id("evt_"), "event_type": "'invoice.paid'", "invoice_id": _id("INV-")}
        | {"url": "'https://shop.example.com/hook'", "endpoint": "'https://shop.example.com:443'", **_OWNER}
        | {"body": "'{{\"status\": \"paid\"}}'", "status": "'succeeded'", "series": "1", "attempts": "1"}
        | {"attempts_in_series": "1", "last_status_code": "200", "created_at": _CREATED}
        | {"finished_at": _SETTLED},
        where="n % 5 < 3",
    ),
}  # fmt: skip


def fill(shop: Shop, count: int) -> None:
    """Put `count` invoices and what belongs to them into the shop's tables, and let PostgreSQL look at them."""
    database = shop.gateway.db
    with database.read() as session:
        now = int(shop.gateway.clock.now(session).timestamp())
    contract = (shop.gateway.chains.find_asset("USDT", "evm").contract or "").lower()
    values = {"now": now, "count": count, "merchant": shop.merchant_id, "contract": contract}
    if database.engine.dialect.name == "sqlite":
        database.close()  # nobody else may have it open while it has no journal
        _fill_sqlite(str(database.engine.url.database), values)
    else:
        _fill_postgresql(
            database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False), values
        )


def _fill_sqlite(path: str, values: Mapping[str, object]) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _SQLITE_SPEED:
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("md5", 1, _md5, deterministic=True)
        connection.create_function("moment", 1, _moment, deterministic=True)
        connection.create_function("lpad", 3, str.rjust, deterministic=True)
        for statement in _statements(_SQLITE_SERIES, {**values, "moment": "moment"}):
            connection.execute(statement)
        connection.execute("PRAGMA journal_mode=WAL")


def _fill_postgresql(url: str, values: Mapping[str, object]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no look-up of foreign keys, row by row
        connection.execute("SET synchronous_commit = off")
        for statement in _statements(_POSTGRESQL_SERIES, {**values, "moment": "to_timestamp"}):
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")  # what autovacuum does by itself, a little later


def _statements(series: str, values: Mapping[str, object]) -> Iterator[str]:
    for table, rows in TABLES.items():
        names = ", ".join(f'"{name}"' for name in rows.columns)
        found = f"SELECT {', '.join(rows.columns.values())} FROM {series} WHERE {rows.where}"
        yield f'INSERT INTO "{table}" ({names}) {found.format(**values)}'


def _md5(value: str) -> str:
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
