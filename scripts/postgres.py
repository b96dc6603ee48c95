"""A private PostgreSQL server: own data folder, own port on loopback, gone when its user is gone.

Usage: scripts/postgres.py [COMMAND …]: runs COMMAND with CLOUDPAY_TEST_DATABASE_URL naming the server;
without a command it prints the address and serves until interrupted.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from console import CannotGoOn, stop
from scratch import scratch
from system import POSTGRES, how_to_install

ENVIRONMENT = "CLOUDPAY_TEST_DATABASE_URL"
SUPERUSER = "cloudpay"
START_SECONDS = 30
PR_SET_PDEATHSIG = 1

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    # In the data folder, so that nothing stays behind when the server is killed.
    "dynamic_shared_memory_type": "mmap",
}
# The data lives as long as one test run: nothing is gained by waiting for the disk.
FORGETFUL = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Account:
    """The OS user that the server runs as: PostgreSQL refuses root."""

    name: str | None

    @property
    def arguments(self) -> dict[str, Any]:
        """Return what `subprocess` needs to become this user."""
        return (
            {}
            if self.name is None
            else {"user": self.name, "group": pwd.getpwnam(self.name).pw_gid, "extra_groups": ()}
        )

    def give(self, folder: Path) -> None:
        """Make a folder this user's own."""
        if self.name is not None:
            shutil.chown(folder, self.name)


def _account() -> Account:
    if os.geteuid() != 0:
        return Account(None)
    try:
        return Account(pwd.getpwnam("postgres").pw_name)
    except KeyError:
        raise CannotGoOn(
            "PostgreSQL refuses to run as root, and there is no user `postgres` to run it as"
        ) from None


def _programs() -> Path:
    initdb = POSTGRES.path()
    if initdb is None:
        raise CannotGoOn(how_to_install(POSTGRES))
    return Path(initdb).resolve().parent


def _die_with_parent() -> Callable[[], None] | None:
    """Return what makes a child end when this process is killed, where the system can (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _initialise(programs: Path, data: Path, password: str, account: Account) -> None:
    password_file = data.parent / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(password, "utf-8")
    account.give(password_file)
    command: list[str | Path] = [
        programs / "initdb", "--pgdata", data, "--username", SUPERUSER, "--pwfile", password_file,
        "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=data.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **account.arguments,
    )
    if done.returncode:
        raise CannotGoOn(f"initdb failed:\n{done.stderr.strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(
    programs: Path, data: Path, port: int, log: IO[bytes], account: Account, *, durable: bool
) -> subprocess.Popen[bytes]:
    chosen = SETTINGS if durable else SETTINGS | FORGETFUL
    settings = [word for key, value in chosen.items() for word in ("-c", f"{key}={value}")]
    return subprocess.Popen(
        [str(programs / "postgres"), "-D", str(data), "-p", str(port), *settings],
        cwd=data.parent,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # Ctrl-C is for the tests first; the server ends after them.
        start_new_session=True,
        preexec_fn=_die_with_parent(),  # noqa: PLW1509  # no other thread runs yet
        **account.arguments,
    )


def _wait_until_ready(server: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    """Wait for the line in postmaster.pid that the server writes when it takes connections."""
    deadline = time.monotonic() + START_SECONDS
    state = data / "postmaster.pid"
    while server.poll() is None and time.monotonic() < deadline:
        lines = state.read_text("utf-8").splitlines() if state.is_file() else []
        if any(line.strip() == "ready" for line in lines):
            return
        time.sleep(0.05)
    raise CannotGoOn(f"PostgreSQL did not start:\n{log.read_text('utf-8', 'replace')[-2000:].strip()}")


def _end(server: subprocess.Popen[bytes], how: signal.Signals = signal.SIGINT) -> None:
    """Stop now, whatever is still connected."""
    server.send_signal(how)
    try:
        server.wait(START_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextmanager
def _on_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cloudpay-postgres-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class Cluster:
    """A running server that can be restarted; its data folder and its port stay."""

    def __init__(self, home: Path, *, durable: bool) -> None:
        self._programs, self._account, self._durable = _programs(), _account(), durable
        password = secrets.token_urlsafe(24)
        self._account.give(home)
        self._data, self._log, self._port = home / "data", home / "server.log", _free_port()
        _initialise(self._programs, self._data, password, self._account)
        self.url = f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self._port}/postgres"
        self.start()

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with self._log.open("ab") as log:
            self._server = _start(
                self._programs, self._data, self._port, log, self._account, durable=self._durable
            )
        try:
            _wait_until_ready(self._server, self._data, self._log)
        except BaseException:
            self.stop()
            raise

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT is `pg_ctl stop -m fast`, SIGQUIT `-m immediate`, which leaves a crash behind."""
        _end(self._server, how)


@contextmanager
def private_cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Run a server for the length of the block, for tests that restart it."""
    with _on_disk() if durable else scratch("postgres") as home:
        cluster = Cluster(home, durable=durable)
        try:
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def private_postgres(*, durable: bool = False) -> Iterator[str]:
    """Run a server for the length of the block; yield its URL, for a role that may create databases.

    With `durable` its data lies on disk and a commit waits for it, as benchmarks need.
    """
    with private_cluster(durable=durable) as cluster:
        yield cluster.url


def main(command: Sequence[str]) -> int:
    """Run a command against a private server, or serve until interrupted."""
    with private_postgres() as url:
        if command:
            return subprocess.run(command, env={**os.environ, ENVIRONMENT: url}, check=False).returncode
        print(url, flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotGoOn as error:
        stop(error)
