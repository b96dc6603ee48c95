"""One running demo for all flow tests of a file."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cloudpay_devnet.tron.network import TronChain
from tests.flows.databases import NewDatabase, database_on
from tests.flows.receivers import VerifyingReceiver, verifying_receiver
from tests.flows.running import RunningDemo, start_demo, stop_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, server_database: str | None) -> Iterator[RunningDemo]:
    """A demo with all networks and a block a second, on the database that the tests run on."""
    folder: Path = tmp_path_factory.mktemp("demo") / "data"
    database = ["--database-url", server_database] if server_database else []
    running = start_demo(folder, "--block-time", "1", *database)
    yield running
    stop_demo(running)


@pytest.fixture(scope="module")
def endpoint(demo: RunningDemo) -> Iterator[VerifyingReceiver]:
    """A merchant's endpoint that verifies every signature."""
    with verifying_receiver(demo.file["webhook_secret"]) as receiver:
        yield receiver


@pytest.fixture
def unused_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def new_database() -> Iterator[NewDatabase]:
    """A database for every shop of a file: one whose tests run by traces and by balances opens two."""
    server = os.environ.get("CLOUDPAY_TEST_DATABASE_URL")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(database_on(server)) if server else None


@pytest.fixture(scope="session")
def tron_process() -> Iterator[TronChain]:
    """A TRON node on which each test begins a chain of its own."""
    with TronChain.start() as chain:
        yield chain
