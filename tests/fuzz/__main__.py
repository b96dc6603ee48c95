"""`make fuzz`: many requests made from the OpenAPI document, against a running gateway; prints what came of them."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from tests.fuzz.shooting import shoot
from tests.fuzz.targets import furnished, house_on_a_node

SERVER = os.environ.get("CLOUDPAY_TEST_DATABASE_URL")


def main() -> int:
    """Fuzz until enough was sent; answers 1 when anything was wrong."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000, help="send at least this many (%(default)s)")
    parser.add_argument("--examples", type=int, default=150, help="per operation and round (%(default)s)")
    parser.add_argument("--seed", type=int, help="the first round's, to repeat it")
    chosen = parser.parse_args()
    print(f"database: {'PostgreSQL' if SERVER else 'SQLite'}", flush=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        with house_on_a_node(Path(folder) / "d", _database()) as house:
            tenant = furnished(house)
            report = shoot(house, tenant, wanted=chosen.requests, examples=chosen.examples, seed=chosen.seed)
        log = (Path(folder) / "d" / "web.log").read_text(encoding="utf-8")
    print("\n".join(report.lines()))
    for line in [each for each in log.splitlines() if '"level": "error"' in each][:5]:
        print("LOG", line[:4000])
    return 0 if report.clean else 1


def _database() -> str | None:
    """An empty database on the server that the environment names; it goes with its server."""
    if SERVER is None:
        return None
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    name = f"fuzz_{os.getpid()}"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(SERVER).set(database=name).render_as_string(hide_password=False)


if __name__ == "__main__":
    sys.exit(main())
