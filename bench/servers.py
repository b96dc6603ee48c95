"""What a benchmark runs against, for the length of a block: folders, databases, Valkey, the web server."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cloudpay.app import valkey
from cloudpay.kernel.sections import Log

SCRIPTS = str(Path(__file__).resolve().parent.parent / "scripts")
_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


class Unavailable(Exception):
    """Something that a benchmark needs is not on this machine."""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A folder on disk: a database in memory would flatter."""
    with tempfile.TemporaryDirectory(prefix="cloudpay-bench-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A private PostgreSQL on disk, with its own defaults: synchronous commit, fsync."""
    if SCRIPTS not in sys.path:
        sys.path.insert(0, SCRIPTS)
    from console import CannotGoOn
    from postgres import private_postgres

    try:
        with private_postgres(durable=True) as url:
            yield url.replace("postgresql://", "postgresql+psycopg://", 1)
    except CannotGoOn as reason:
        raise Unavailable(str(reason)) from reason


@contextlib.contextmanager
def running(
    command: Sequence[str],
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the end of the block, from when it is ready."""
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=tempfile.gettempdir(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        wait_until(ready, process)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait a bounded time for a program to be ready."""
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not become ready (exit code {process.returncode})")
        time.sleep(0.01)


def wait_for(condition: Callable[[], bool], what: str, seconds: float, every: float) -> None:
    """Wait a bounded time for something that a running gateway does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(every)


@dataclass(frozen=True)
class Served:
    """First process ids: the web server's, Valkey's."""

    web: int
    valkey: int


@contextlib.contextmanager
def web_server(settings_file: Path, port: int, workers: int) -> Iterator[Served]:
    """`cloudpay web` with a private Valkey, as `cloudpay up` starts them; its log goes to a file.

    Each of its processes has a socket of its own, and all must listen: what connects earlier keeps to the first.
    """
    server = valkey.plan(settings_file.parent)
    path = server.url.removeprefix("unix://")
    command = [sys.executable, "-m", "cloudpay.cli", "web"]
    level = Log().level  # what a benchmark does itself logs less, but a server's figures hold its usual log
    environment = gateway_environment(settings_file, CLOUDPAY_REDIS_URL=server.url, CLOUDPAY_LOG__LEVEL=level)
    with (
        (settings_file.parent / "web.log").open("wb") as log,
        running(server.command, lambda: Path(path).exists()) as counter,
        running(command, lambda: _listening(port) >= workers, environment, log) as web,
    ):
        yield Served(web.pid, counter.pid)


def gateway_environment(settings_file: Path, **more: str) -> dict[str, str]:
    """The environment of a gateway process: nothing of the surroundings configures it."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDPAY_")}
    return {**plain, "CLOUDPAY_CONFIG": str(settings_file), **more}


def _listening(port: int) -> int:
    """How many sockets listen on a port, by proc(5): address and port in the second column, the state in the fourth."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    return sum(1 for row in rows if int(row[1].partition(":")[2], 16) == port and row[3] == "0A")


def listens(port: int) -> bool:
    """Say whether something accepts connections on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
