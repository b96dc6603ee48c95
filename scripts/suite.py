"""Run the test suite on SQLite and on PostgreSQL (`make test`).

Usage: scripts/suite.py [all|sqlite|postgres] [PYTEST ARGUMENTS …]. With CI=true every component that a
test needs must be there: it is installed where apt can, and the run fails where it cannot.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from console import CannotGoOn, say, stop
from postgres import ENVIRONMENT, private_postgres
from project import ROOT, VENV, distributions
from scratch import scratch
from system import CHROMIUM, PHP, POSTGRES, how_to_install, in_ci, install

NO_TESTS = 5
"""pytest's exit status when it found no test."""

ON_A_DATABASE = tuple(
    ROOT / "tests" / name for name in ("api", "cloudpay", "flows", "fuzz", "kills", "simulation")
)
"""Plugins, pages and documents read no database of their own."""


def _folders() -> list[Path]:
    return [each.tests for each in distributions() if each.tests.is_dir()]


def _names_paths(arguments: Sequence[str]) -> bool:
    """Say whether the arguments choose their own files, so that the folders are left out."""
    return any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)


def _pytest(name: str, folders: Sequence[Path], arguments: Sequence[str], extra: Mapping[str, str]) -> int:
    say(f"tests on {name}")
    if _names_paths(arguments):
        folders = []
    workers = str(min(os.cpu_count() or 1, 4))
    command = [
        str(VENV / "bin" / "python"), "-m", "pytest", "-c", str(ROOT / "setup.cfg"), "--rootdir", str(ROOT),
        "-n", workers, "--dist", "loadfile",
        *(str(folder.relative_to(ROOT)) for folder in folders), *arguments,
    ]  # fmt: skip
    env = {key: value for key, value in os.environ.items() if key != ENVIRONMENT}
    with scratch("tests") as folder:
        env["TMPDIR"] = str(folder)
        return subprocess.run(command, cwd=ROOT, env={**env, **extra}, check=False).returncode


def on_sqlite(arguments: Sequence[str]) -> int:
    """Run everything, with SQLite below it."""
    return _pytest("SQLite", _folders(), arguments, {})


def on_postgres(arguments: Sequence[str]) -> int:
    """Run what stands on a database again, with a private PostgreSQL below it."""
    with private_postgres() as url:
        return _pytest("PostgreSQL", ON_A_DATABASE, arguments, {ENVIRONMENT: url})


def on_both(arguments: Sequence[str]) -> int:
    """Run on both databases; without PostgreSQL say so last, where it is read."""
    status = on_sqlite(arguments)
    if POSTGRES.path() is None:
        print(f"NOT tested on PostgreSQL: {how_to_install(POSTGRES)}", flush=True)
        return status
    again = on_postgres(arguments)
    narrowed = bool(arguments) and status == 0 and again == NO_TESTS
    return status or (0 if narrowed else again)


RUNS = {"all": on_both, "sqlite": on_sqlite, "postgres": on_postgres}


def main(arguments: Sequence[str]) -> int:
    """Run what the first argument names; the rest is pytest's."""
    which, rest = (arguments[0], arguments[1:]) if arguments and arguments[0] in RUNS else ("all", arguments)
    if in_ci():
        install([POSTGRES, PHP, CHROMIUM])
    return RUNS[which](rest)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotGoOn as error:
        stop(error)
