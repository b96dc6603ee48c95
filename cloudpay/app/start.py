"""Opening a gateway: what every process and every command does first, or it does not start."""

import os

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError, NoSuchModuleError

from cloudpay.chains.gateway import Gateway, bind
from cloudpay.chains.registry import load_chains
from cloudpay.kernel import failpoints, log
from cloudpay.kernel.clock import DatabaseClock
from cloudpay.kernel.db import Database
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.queues import Nudges, wake
from cloudpay.kernel.secrets import AppKey, read_key, read_or_create_key
from cloudpay.kernel.settings import Settings
from cloudpay.migrations import HEAD


class DatabaseUnreachable(ConfigurationError):
    """The database does not answer, or its address does not fit."""

    code = "database_unreachable"


class DatabaseNotMigrated(ConfigurationError):
    """The tables are those of another version."""

    code = "database_not_migrated"

    def __init__(self, current: str | None) -> None:
        have = f"at revision {current}" if current else "empty"
        super().__init__(
            f"The database is {have}, and this version of CloudPay works with {HEAD}. Run `cloudpay database upgrade`; "
            "if that does not know the revision, a newer version made it: install that one."
        )
        self.current = current


def open_gateway(settings: Settings, *, process: str) -> Gateway:
    """Answer the gateway that this process works on, bound for its jobs too.

    The embedded database is made and migrated on the way; another one must have been. Raises `ConfigurationError` and
    its kin: unknown network, broken plugin, missing key file, a database that is away or of another version.
    """
    log.configure(level=settings.log.level, json=settings.log.format == "json")
    chains = load_chains(settings.networks, settings.default_network)
    failpoints.arm_from(os.environ, live=any(network.live for network in chains))
    make_data_folder(settings)
    app_key = AppKey(_app_key(settings))
    db = open_database(settings)
    try:
        _require_head(db, embedded=not settings.database_url)
    except DBAPIError as error:
        db.close()
        raise _unreachable(db, error) from error
    gateway = Gateway(settings=settings, db=db, clock=DatabaseClock(), chains=chains, app_key=app_key)
    bind(gateway)
    log.get_logger(__name__).debug("gateway_opened", process=process)
    return gateway


def open_database(settings: Settings) -> Database:
    """Answer the database of these settings; nothing is asked of it yet."""
    try:
        return Database(settings.sql_url, nudge=Nudges(settings.redis_url, here=wake))
    except (ValueError, NoSuchModuleError, ImportError) as error:
        raise DatabaseUnreachable(f"database_url or redis_url does not fit: {error}.") from error


def make_data_folder(settings: Settings) -> None:
    """Make the data folder, readable by this user alone."""
    try:
        settings.data_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {settings.data_path} cannot be made: {error.strerror}. Set data_dir to one that can."
        ) from error


def current_revision(db: Database) -> str | None:
    """Answer which migration the database is at; None when it has no tables yet."""
    with db.read() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        return session.execute(text("SELECT version_num FROM alembic_version")).scalar()


def close_gateway(gateway: Gateway) -> None:
    """Close what was opened."""
    gateway.chains.close()
    gateway.db.close()


def _require_head(db: Database, *, embedded: bool) -> None:
    current = current_revision(db)
    if embedded and (current is None or current < HEAD):
        # Alembic costs every process 10 MB, and only the one that migrates needs it.
        from cloudpay.app.migrate import upgrade

        upgrade(db)
        current = current_revision(db)
    if current != HEAD:
        raise DatabaseNotMigrated(current)


def _app_key(settings: Settings) -> bytes:
    """Make the key only where it belongs to this machine's data folder: one made by mistake would open nothing."""
    return (
        read_key(settings.app_key_path)
        if settings.app_key_file
        else read_or_create_key(settings.app_key_path)
    )


def _unreachable(db: Database, error: DBAPIError) -> DatabaseUnreachable:
    shown = db.engine.url.render_as_string(hide_password=True)
    reason = str(error.orig).strip().splitlines()[0] if error.orig else str(error)
    return DatabaseUnreachable(
        f"The database {shown} cannot be used: {reason}. Check database_url, or start it."
    )
