"""Tables whose rows are only ever added: changes are refused by the ORM and by the database itself."""

from typing import Any, ClassVar

from sqlalchemy import Connection, Table, event, text
from sqlalchemy.orm import DeclarativeBase

from cloudpay.kernel.errors import CloudPayError


class AppendOnlyViolation(CloudPayError):
    """A row that must stay as it was written was about to be changed or deleted."""

    code: ClassVar[str] = "append_only_violation"

    def __init__(self, table: str) -> None:
        super().__init__(f"Rows of {table} are never changed or deleted; write a new one that corrects it.")
        self.table = table


POSTGRESQL_FUNCTION = (
    "CREATE OR REPLACE FUNCTION cloudpay_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'rows of % are append-only', TG_TABLE_NAME; END $$"
)


def triggers(table: str, dialect: str) -> tuple[str, ...]:
    """Answer the statements that make a table append-only on `sqlite` or `postgresql`; migrations run the same."""
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are append-only'); END"
            for change in ("UPDATE", "DELETE")
        )
    refuse = "EXECUTE FUNCTION cloudpay_refuse_change()"
    return (
        POSTGRESQL_FUNCTION,
        f"CREATE TRIGGER {table}_refuse_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {refuse}",
        f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}",
    )


def append_only(*models: type[DeclarativeBase]) -> None:
    """Make these tables append-only: for the ORM now, for the database when the tables are created."""
    for model in models:
        event.listen(model, "before_update", _refuse)
        event.listen(model, "before_delete", _refuse)
        table = model.__table__
        if not isinstance(table, Table):
            raise TypeError(f"{model.__name__} is not mapped to a table")
        event.listen(table, "after_create", _guard)


def _guard(table: Table, connection: Connection, **_options: Any) -> None:
    for statement in triggers(table.name, connection.dialect.name):
        connection.execute(text(statement))


def _refuse(_mapper: Any, _connection: Any, target: DeclarativeBase) -> None:
    raise AppendOnlyViolation(target.__tablename__)
