"""A private PostgreSQL server that a run may crash and start again."""

import secrets
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

_SCRIPTS = str(Path(__file__).parents[2] / "scripts")


@contextmanager
def postgres() -> Iterator[tuple[Callable[[], str], Callable[[], None]]]:
    """Run a server; yield what makes an empty database and answers its URL, and what restarts the server."""
    if _SCRIPTS not in sys.path:
        sys.path.append(_SCRIPTS)
    from postgres import private_cluster

    with private_cluster() as cluster:

        def new_database() -> str:
            name = f"kills_{secrets.token_hex(6)}"
            engine = create_engine(driver(cluster.url), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            engine.dispose()
            return make_url(driver(cluster.url)).set(database=name).render_as_string(hide_password=False)

        def restart() -> None:
            cluster.stop(signal.SIGQUIT)
            cluster.start()

        yield new_database, restart


def driver(url: str) -> str:
    """Name the driver in a URL that names only the database."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
