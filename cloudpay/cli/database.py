"""`cloudpay database`: the tables of this version."""

import click

from cloudpay.app.migrate import make_revision
from cloudpay.app.migrate import upgrade as run_migrations
from cloudpay.app.start import current_revision, make_data_folder, open_database
from cloudpay.cli.settings import settings_of
from cloudpay.kernel.db import Database
from cloudpay.migrations import HEAD


@click.group()
def database() -> None:
    """Bring the database to this version's tables.

    The embedded SQLite is migrated at start; another one by `cloudpay database upgrade` before anything starts.
    """


@database.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Run the migrations that are missing, all or nothing; safe to run twice and side by side.

    \b
    Example:
      CLOUDPAY_DATABASE_URL=postgresql://pay@db/pay cloudpay database upgrade
    """
    db = _database(ctx)
    run_migrations(db)
    click.echo(f"The database is at {current_revision(db)}.")
    db.close()


@database.command()
@click.pass_context
def current(ctx: click.Context) -> None:
    r"""Say which revision the database is at, and which one this version needs.

    \b
    Example:
      cloudpay database current
    """
    db = _database(ctx)
    click.echo(
        f"The database is at {current_revision(db) or 'no revision yet'}; this version works with {HEAD}."
    )
    db.close()


@database.command()
@click.argument("message")
@click.pass_context
def revision(ctx: click.Context, message: str) -> None:
    """Write a migration from the difference between the models and an upgraded database; for contributors.

    \b
    Example:
      cloudpay database revision "payouts"
    """
    db = _database(ctx)
    make_revision(db, message)
    db.close()


def _database(ctx: click.Context) -> Database:
    settings = settings_of(ctx)
    make_data_folder(settings)
    return open_database(settings)
