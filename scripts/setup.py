"""Set up everything that CloudPay runs or is tested with, into folders of this repository.

Usage: scripts/setup.sh run|dev. `run` is what the gateway and the demo need; `dev` adds the test
tools. Needs Python and its standard library alone; does nothing when nothing has changed.
"""

from __future__ import annotations

import fcntl
import platform
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import stamps
from console import CannotGoOn, say, stop
from npm_tools import install_npm_tools
from packages import install_packages, make_environment
from project import ROOT, VENV


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let two `make` that begin together set up one after the other."""
    local = ROOT / ".local"
    local.mkdir(exist_ok=True)
    with (local / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_current(level: str) -> bool:
    return (
        (VENV / "bin" / "python").exists()
        and stamps.packages_are_current(level)
        and all(map(stamps.tool_is_current, stamps.tools_of(level)))
    )


def set_up(level: str) -> None:
    """Bring the repository to a level; the downloads run side by side."""
    if _is_current(level):
        return
    with _one_at_a_time():
        if _is_current(level):
            return
        say(f"setting up CloudPay ({level}) with Python {platform.python_version()}")
        with ThreadPoolExecutor() as pool:
            environment = pool.submit(make_environment)
            tools = pool.submit(install_npm_tools, level, environment.result)
            environment.result()
            install_packages(level)
            tools.result()
        say("set-up is complete")


if __name__ == "__main__":
    wanted = sys.argv[-1]
    if wanted not in stamps.LEVELS:
        sys.exit("usage: scripts/setup.sh run|dev")
    try:
        set_up(wanted)
    except CannotGoOn as error:
        stop(error)
