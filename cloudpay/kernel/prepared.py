"""Statements made ready once: the hottest few, asked past what SQLAlchemy does anew for each execution."""

from collections import namedtuple
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

_Convert = Callable[[Any], Any] | None
_BEFORE = "before_cursor_execute"


class Prepared:
    """A statement of plain columns whose values are all named, with its text and its conversions for each database.

    An insert names the columns that it is given, as `columns`. Whoever listens to a database's statements hears of
    these as of all others.
    """

    def __init__(self, statement: Select[Any] | Insert, columns: Collection[str] | None = None) -> None:
        self._statement, self._columns = statement, columns
        self._ready: dict[str, _Ready] = {}

    def all(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """Answer every row, its columns by name; fails as any other statement does."""
        if getattr(connection.dispatch, _BEFORE):
            return connection.execute(self._statement, values).all()
        return self._execute(connection, values)

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any | None:
        """Answer the first row, or None where there is none."""
        rows = self.all(connection, values)
        return rows[0] if rows else None

    def run(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Execute what answers no rows."""
        if getattr(connection.dispatch, _BEFORE):
            connection.execute(self._statement, values)
        else:
            self._execute(connection, values)

    def _execute(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        dialect: Dialect = connection.dialect
        ready = self._ready.get(dialect.name) or self._prepare(dialect)
        driver: Any = connection.connection.dbapi_connection
        try:
            cursor = driver.execute(ready.text, ready.parameters(values))
            return ready.rows(cursor.fetchall()) if ready.row else ()
        except dialect.loaded_dbapi.Error as error:
            if dialect.is_disconnect(error, driver, None):
                connection.execute(self._statement, values)  # finds it gone, too, and has the pool forget it
            base = dialect.loaded_dbapi.Error
            raise DBAPIError.instance(ready.text, dict(values), error, base, dialect=dialect) from error

    def _prepare(self, dialect: Dialect) -> "_Ready":
        made = self._statement.compile(dialect=dialect, column_keys=self._columns)
        assert isinstance(made, SQLCompiler)  # noqa: S101  # for the type: it is no DDL
        written = {name: _writer(bind.type, dialect) for name, bind in made.binds.items()}
        read = self._statement.selected_columns if isinstance(self._statement, Select) else ()
        ready = self._ready[dialect.name] = _Ready(
            text=str(made),
            names=tuple(made.positiontup) if made.positiontup is not None else tuple(written),
            positional=made.positiontup is not None,
            writers=[(name, convert) for name, convert in written.items() if convert],
            row=namedtuple("Columns", [str(each.key) for each in read]) if read else None,  # noqa: PYI024  # made at run time
            readers=[(n, convert) for n, each in enumerate(read) if (convert := _reader(each.type, dialect))],
        )
        return ready


@dataclass(frozen=True)
class _Ready:
    """The statement as one kind of database takes it, and only those conversions that do anything."""

    text: str
    names: tuple[str, ...]
    positional: bool
    writers: Sequence[tuple[str, Callable[[Any], Any]]]
    row: Any
    readers: Sequence[tuple[int, Callable[[Any], Any]]]

    def parameters(self, values: Mapping[str, Any]) -> Mapping[str, Any] | Sequence[Any]:
        written = dict(values)
        for name, convert in self.writers:
            written[name] = convert(written[name])
        return [written[name] for name in self.names] if self.positional else written

    def rows(self, found: Sequence[Sequence[Any]]) -> Sequence[Any]:
        make, rows = self.row._make, []
        for each in found:
            columns = list(each)
            for n, convert in self.readers:
                columns[n] = convert(columns[n])
            rows.append(make(columns))
        return rows


def _writer(kind: TypeEngine[Any], dialect: Dialect) -> _Convert:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> _Convert:
    return kind.dialect_impl(dialect).result_processor(dialect, None)
