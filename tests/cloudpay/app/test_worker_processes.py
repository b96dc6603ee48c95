"""Workers as they are started by hand: sharing a process or not, stopped when asked, in the place of a killed one."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(90)

Start = Callable[..., "subprocess.Popen[bytes]"]
STARTED = 40.0  # seconds that a process may take on a busy machine


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `cloudpay ARGUMENTS` over an embedded database, without networks."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDPAY_")}
    running: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "cloudpay.cli", *arguments]
        running.append(
            subprocess.Popen(
                command,
                cwd=tmp_path,
                env={**plain, "CLOUDPAY_DATA_DIR": str(tmp_path)},
                stderr=subprocess.PIPE,
            )
        )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def lease(folder: Path) -> tuple[int, datetime] | None:
    """How often the schedule has changed hands, and until when it is held; None while nobody ever had it."""
    if not (folder / "cloudpay.db").exists():
        return None
    try:
        with closing(sqlite3.connect(folder / "cloudpay.db")) as database:
            found = database.execute("SELECT token, until FROM leases WHERE name = 'scheduler'").fetchone()
    except sqlite3.OperationalError:  # its tables are being made
        return None
    return None if found is None else (found[0], datetime.fromisoformat(found[1]).replace(tzinfo=UTC))


@pytest.mark.parametrize("arguments", [["scheduler"], ["worker", "events", "webhooks", "--schedule"]])
def test_a_worker_keeps_the_schedule_and_ends_cleanly_when_asked(
    start: Start, tmp_path: Path, eventually: Any, arguments: list[str]
) -> None:
    process = start(*arguments)
    eventually(lambda: lease(tmp_path), seconds=STARTED)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=15)
    assert process.returncode == 0, told
    _, until = lease(tmp_path) or (0, None)
    assert until == datetime.fromtimestamp(0, UTC)  # given back


def test_f110_the_successor_of_a_killed_process_need_not_wait_for_its_lease(
    start: Start, tmp_path: Path, eventually: Any
) -> None:
    killed = start("scheduler")
    eventually(lambda: lease(tmp_path), seconds=STARTED)
    killed.kill()
    killed.wait()
    with closing(sqlite3.connect(tmp_path / "cloudpay.db", isolation_level=None)) as database:
        database.execute("UPDATE leases SET until = '2999-01-01 00:00:00.000000'")
    start("worker", "events", "--schedule")
    eventually(lambda: (lease(tmp_path) or (1,))[0] == 2, seconds=STARTED)
