"""The database of all runs: made once, with a log of every change that is committed; put back before each run."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Column, Engine, Table, create_engine, event, make_url, text

from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.kernel.engines import open_engine
from cloudpay.kernel.leases import LeaseRow
from cloudpay.ledger.models import EntryRow, JournalRow, LedgerAccountRow
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.models import NetworkRow, OutsideTransferRow, PaymentRow
from cloudpay.tables import metadata
from cloudpay.webhooks.models import Delivery

WATCHED = (
    InvoiceRow,
    PaymentOptionRow,
    LeaseRow,
    EntryRow,
    JournalRow,
    LedgerAccountRow,
    OutboxRow,
    NetworkRow,
    PaymentRow,
    OutsideTransferRow,
    Delivery,
)
"""Tables whose every insert and update is logged, by triggers, in the transaction that makes it."""

_FROZEN_AFTER_INSERT = {"outbox": {"payload", "name", "subject", "created_at"}}
_LEFT_OUT = {"notification_emails", "undeliverable"}

Change = tuple[str, dict[str, Any]]


class Store:
    """A database that is put back to its beginnings before each run; engines and compiled statements stay.

    `server` is the address of a PostgreSQL server; without it the database is an SQLite file in `folder`.
    """

    def __init__(self, folder: Path, server: str | None, prepare: Callable[[str], None]) -> None:
        self._server, self._folder = server, folder
        self._name = f"simulation_{folder.name.replace('-', '_').lower()}"
        self._template = folder / "template.db"
        self._engines: dict[bool, Engine] = {}
        self._log: Any = None
        self._seen = 0
        self._make(prepare)

    @cached_property
    def url(self) -> str:
        """The address of the database of the runs."""
        if self._server is None:
            return f"sqlite:///{self._folder / 'run.db'}"
        return make_url(self._server).set(database=self._name).render_as_string(hide_password=False)

    def engine(self, _url: str, *, questions: bool = False) -> Engine:
        """Answer the one engine of that kind: what it has compiled serves all runs."""
        if questions not in self._engines:
            engine = open_engine(self.url, questions=questions)
            if self._server is None:
                event.listen(engine, "connect", _do_not_wait_for_the_disk)
            self._engines[questions] = engine
        return self._engines[questions]

    def reset(self) -> None:
        """Put the database back, and forget every connection to what it was."""
        self._disconnect()
        if self._server is None:
            for suffix in ("-wal", "-shm"):
                (self._folder / f"run.db{suffix}").unlink(missing_ok=True)
            shutil.copyfile(self._template, self._folder / "run.db")
            self._log = sqlite3.connect(self._folder / "run.db", isolation_level=None)
        else:
            self._on_server(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
            self._on_server(f"CREATE DATABASE {self._name} TEMPLATE {self._name}_template")
            self._log = psycopg.connect(self.url, autocommit=True)
        self._seen = self._log.execute("SELECT coalesce(max(id), 0) FROM sim_changes").fetchone()[0]

    def changes(self) -> Iterator[Change]:
        """Answer what was committed since the last call, in order: the table, and the row as it became."""
        mark = "?" if self._server is None else "%s"
        found = self._log.execute(
            f"SELECT id, tbl, body FROM sim_changes WHERE id > {mark} ORDER BY id", (self._seen,)
        )
        for number, table, body in found.fetchall():
            self._seen = number
            yield table, json.loads(body)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Answer the rows of a statement, read outside the product."""
        found: list[tuple[Any, ...]] = self._log.execute(statement).fetchall()
        return found

    def close(self) -> None:
        """Let go of the database, and remove it from the server."""
        self._disconnect()
        if self._server is not None:
            for name in (self._name, f"{self._name}_template"):
                self._on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _disconnect(self) -> None:
        if self._log is not None:
            self._log.close()
            self._log = None
        for engine in self._engines.values():
            engine.dispose()

    def _make(self, prepare: Callable[[str], None]) -> None:
        if self._server is None:
            url = f"sqlite:///{self._template}"
        else:
            name = f"{self._name}_template"
            self._on_server(f"CREATE DATABASE {name}")
            url = make_url(self._server).set(database=name).render_as_string(hide_password=False)
        engine = open_engine(url)
        metadata.create_all(engine)
        with engine.begin() as connection:
            for statement in _log_of_changes(engine.dialect.name):
                connection.execute(text(statement))
        engine.dispose()
        prepare(url)

    def _on_server(self, statement: str) -> None:
        engine = create_engine(str(self._server), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _do_not_wait_for_the_disk(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _log_of_changes(dialect: str) -> Iterator[str]:
    number = "INTEGER PRIMARY KEY AUTOINCREMENT" if dialect == "sqlite" else "BIGSERIAL PRIMARY KEY"
    yield f"CREATE TABLE sim_changes (id {number}, tbl TEXT NOT NULL, body TEXT NOT NULL)"
    for model in WATCHED:
        table = model.__table__
        if not isinstance(table, Table):
            raise TypeError(f"{model.__name__} is not mapped to a table")
        columns = [each for each in table.columns if each.name not in _LEFT_OUT]
        frozen = _FROZEN_AFTER_INSERT.get(table.name, set())
        yield from _trigger(dialect, table.name, "INSERT", columns)
        yield from _trigger(
            dialect, table.name, "UPDATE", [each for each in columns if each.name not in frozen]
        )


def _trigger(dialect: str, table: str, event_name: str, columns: list[Column[Any]]) -> Iterator[str]:
    name = f"sim_{table}_{event_name.lower()}"
    pairs = ", ".join(f"'{each.name}', NEW.\"{each.name}\"" for each in columns)
    if dialect == "sqlite":
        keep = f"INSERT INTO sim_changes (tbl, body) VALUES ('{table}', json_object({pairs}))"
        yield f"CREATE TRIGGER {name} AFTER {event_name} ON {table} BEGIN {keep}; END"
        return
    keep = f"INSERT INTO sim_changes (tbl, body) VALUES ('{table}', json_build_object({pairs})\\:\\:text)"
    yield f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {keep}; RETURN NULL; END $$"
    yield f"CREATE TRIGGER {name} AFTER {event_name} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
