"""What a database says about how it will answer: which whole tables it would go through."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Engine, event

import bench.filling
from cloudpay.kernel.db import Database

FILLED = frozenset(bench.filling.TABLES)
GROWING = FILLED | frozenset(
    (
        "audit_entries",
        "blocks",
        "idempotency_keys",
        "ledger_entries",
        "ledger_journals",
        "native_watches",
        "webhook_attempts",
    )
)
"""Tables that have a row, or several, for every invoice, block or request; those that the benchmark fills are large."""

Statements = dict[str, Any]
"""By its text, the values of a statement that was run."""
_Ask = Callable[[Connection, str, Any, set[str]], Iterator[str]]


@contextlib.contextmanager
def recorded(database: Database) -> Iterator[Statements]:
    """Note every statement that is run in this block."""
    found: Statements = {}

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        if statement.split(None, 1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}:
            found.setdefault(statement, values)

    engines = {database.engine, database.questions}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def whole_tables(engine: Engine, statements: Statements) -> list[str]:
    """Name the growing tables that some statement would go through from end to end."""
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            return _looked_through(connection, statements, _ask_sqlite, GROWING)
        found = _looked_through(connection, statements, _ask_postgresql, FILLED)
        # PostgreSQL rightly reads a table of three rows as a whole; would it have to, if there were more?
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [*found, *_looked_through(connection, statements, _ask_postgresql, GROWING - FILLED)]


def _looked_through(
    connection: Connection, statements: Statements, ask: _Ask, tables: frozenset[str]
) -> list[str]:
    partial = _partial_indexes(connection)
    return [
        f"{table}: {' '.join(statement.split())}"
        for statement, values in statements.items()
        for table in ask(connection, statement, values, partial)
        if table in tables
    ]


def _ask_sqlite(connection: Connection, statement: str, values: Any, partial: set[str]) -> Iterator[str]:
    first = values[0] if isinstance(values, list) else values
    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", first):
        words = row.detail.split()
        if words[0] == "SCAN" and not partial & set(words):
            yield words[1]


def _ask_postgresql(connection: Connection, statement: str, values: Any, partial: set[str]) -> Iterator[str]:
    first = values[0] if isinstance(values, list) else values
    told = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", first).scalar_one()
    plan = told if isinstance(told, list) else json.loads(told)
    yield from _scanned(plan[0]["Plan"], partial)


def _scanned(node: dict[str, Any], partial: set[str], *, limited: bool = False) -> Iterator[str]:
    """A sequential scan, or an index read from end to end: without a condition, and not for the first few alone."""
    whole = node["Node Type"] == "Seq Scan" or (
        node["Node Type"] in {"Index Scan", "Index Only Scan"}
        and "Index Cond" not in node
        and node["Index Name"] not in partial
        and not limited
    )
    if whole:
        yield str(node["Relation Name"])
    for below in node.get("Plans", ()):
        yield from _scanned(below, partial, limited=node["Node Type"] == "Limit")


def _partial_indexes(connection: Connection) -> set[str]:
    """Indexes of rows that still have something before them: going through one is looking at what is due."""
    asked = (
        "SELECT name FROM sqlite_master WHERE type = 'index' AND instr(sql, ' WHERE ') > 0"
        if connection.dialect.name == "sqlite"
        else "SELECT indexname FROM pg_indexes WHERE strpos(indexdef, ' WHERE ') > 0"
    )
    return set(connection.exec_driver_sql(asked).scalars())
