"""Alembic's entry: works on the connection that `cloudpay.app.migrate` opened, inside its transaction."""

from typing import Literal

from alembic import context

import cloudpay.tables  # noqa: F401  # every row's class registers itself in the metadata
from cloudpay.kernel.columns import BaseUnits, Moment
from cloudpay.kernel.db import Base


def _render(kind: str, value: object, _imports: object) -> str | Literal[False]:
    """Write our column types by name, so that a migration reads like the model."""
    if kind == "type" and isinstance(value, BaseUnits | Moment):
        return f"{type(value).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,  # SQLite too: a migration that is killed midway leaves nothing behind
    render_as_batch=True,
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
