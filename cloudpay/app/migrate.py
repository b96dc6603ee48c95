"""Bringing the database to this version's tables: all or nothing, by one process at a time."""

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

import cloudpay.migrations
from cloudpay.kernel.db import Database

_ADVISORY_LOCK = 0x436C6F7564506179  # "CloudPay"; any number that no other program takes


def upgrade(db: Database, revision: str = "head") -> None:
    """Run the migrations that are missing, in one transaction.

    Killed midway, nothing has changed; of several processes that start together one migrates, the others wait for it.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it names its plug-ins at every start
    with db.engine.begin() as connection:  # on SQLite this takes the write lock (BEGIN IMMEDIATE)
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SET LOCAL lock_timeout = 0")
            )  # another one's migration may take its time
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        command.upgrade(alembic_config(connection), revision)


def make_revision(db: Database, message: str) -> None:
    """Write a migration from the difference between the models and the database; for contributors."""
    with db.engine.begin() as connection:
        command.revision(alembic_config(connection), message, autogenerate=True)


def alembic_config(connection: Connection) -> Config:
    """Point Alembic at the package's own migrations and at an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(cloudpay.migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config
