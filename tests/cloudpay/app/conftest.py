"""A real Valkey for the tests of processes."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from cloudpay.app.valkey import Valkey, plan

Eventually = Callable[..., None]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until a condition holds; fail when it does not within the limit."""

    def wait(condition: Callable[[], object], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            time.sleep(0.02)

    return wait


class RunningValkey:
    """A Valkey that a test may stop and start again at the same address."""

    def __init__(self, server: Valkey) -> None:
        self.url = server.url
        self._command = server.command
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(self._command)
        deadline = time.monotonic() + 10
        while not self.answers():
            assert time.monotonic() < deadline, "Valkey did not start"
            time.sleep(0.02)

    def answers(self) -> bool:
        """Say whether it answers."""
        try:
            return bool(self.client().ping())
        except RedisError:
            return False

    def client(self) -> Redis:
        """A client of it."""
        return Redis.from_url(self.url, retry=None)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[RunningValkey]:
    """A running Valkey on a Unix socket."""
    server = RunningValkey(plan(tmp_path))
    yield server
    server.kill()
