import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.app.supervisor import Pids, Program, Supervisor

pytestmark = pytest.mark.timeout(60)

FOREVER = "import signal, time\ntime.sleep(1000)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(1000)"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *arguments]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.fixture
def supervise() -> Iterator[Any]:
    """Supervise programs in a thread; everything is stopped at the end of the test."""
    running: list[tuple[threading.Event, threading.Thread]] = []

    def start(*programs: Program) -> tuple[Supervisor, list[Pids], threading.Event, threading.Thread]:
        history: list[Pids] = []
        supervisor = Supervisor(programs, changed=history.append)
        stop = threading.Event()
        thread = threading.Thread(target=lambda: history.append({"exit": [supervisor.run(stop)]}))
        thread.start()
        running.append((stop, thread))
        return supervisor, history, stop, thread

    yield start
    for stop, thread in running:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


def test_a_process_that_is_killed_is_started_again_and_its_new_pid_is_told(
    supervise: Any, eventually: Any
) -> None:
    supervisor, history, _, _ = supervise(Program("web", python(FOREVER)))
    eventually(lambda: supervisor.pids)
    first = supervisor.pids["web"][0]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.pids.get("web", [first]) != [first])
    eventually(lambda: history[-1] == supervisor.pids)
    assert history[0] == {"web": [first]}


def test_the_pid_of_a_process_is_told_under_each_of_its_roles(supervise: Any, eventually: Any) -> None:
    roles = ("worker:events", "scheduler")
    supervisor, _, _, _ = supervise(Program("workers", python(FOREVER), roles=roles))
    eventually(lambda: supervisor.pids)
    assert set(supervisor.pids) == set(roles)
    assert supervisor.pids["worker:events"] == supervisor.pids["scheduler"]


def test_a_process_that_dies_again_and_again_is_started_less_and_less_often(
    supervise: Any, eventually: Any, tmp_path: Path
) -> None:
    log = tmp_path / "starts"
    code = f"import time\nopen({str(log)!r}, 'a').write(f'{{time.monotonic()}}\\n')"
    supervise(Program("web", python(code)))
    eventually(lambda: log.exists() and len(log.read_text().split()) == 3)
    first, second, third = map(float, log.read_text().split())
    assert 0.9 < second - first < 1.9 < third - second


def test_a_process_that_had_run_for_a_while_is_started_again_at_once(
    supervise: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.app.supervisor._AT_ONCE_AFTER", 0.2)
    supervisor, _, _, _ = supervise(Program("web", python(FOREVER)))
    eventually(lambda: supervisor.pids)
    first, began = supervisor.pids["web"][0], time.monotonic()
    eventually(lambda: time.monotonic() - began > 0.3)
    os.kill(first, signal.SIGKILL)
    killed = time.monotonic()
    eventually(lambda: supervisor.pids.get("web", [first]) != [first])
    assert time.monotonic() - killed < 0.9


def test_the_orphans_of_a_killed_process_are_ended_before_it_starts_again(
    supervise: Any, eventually: Any, tmp_path: Path
) -> None:
    """A server killed alone leaves workers that keep the port."""
    log = tmp_path / "pids"
    code = (
        "import os, time\n"
        "child = os.fork()\n"
        f"if child: open({str(log)!r}, 'a').write(f'{{os.getpid()}} {{child}}\\n')\n"
        "time.sleep(1000)"
    )
    supervise(Program("web", python(code)))
    eventually(lambda: log.exists() and log.read_text().endswith("\n"))
    parent, orphan = map(int, log.read_text().split())
    os.kill(parent, signal.SIGKILL)
    eventually(lambda: len(log.read_text().splitlines()) == 2)
    assert not alive(orphan)


def test_stopping_ends_everything_in_order_and_within_its_time(supervise: Any, eventually: Any) -> None:
    supervisor, history, stop, thread = supervise(
        Program("stubborn", python(STUBBORN)),
        Program("web", python(FOREVER)),
        Program("valkey", python(FOREVER), stage=1),
    )
    eventually(lambda: len(supervisor.pids) == 3)
    pids = [pid for group in supervisor.pids.values() for pid in group]
    began = time.monotonic()
    stop.set()
    thread.join(15)
    assert time.monotonic() - began < 10
    assert not any(alive(pid) for pid in pids)
    assert history[-2:] == [{}, {"exit": [0]}]


def test_a_wrong_configuration_at_the_first_start_stops_the_whole(supervise: Any) -> None:
    code = f"import sys\nsys.exit({CONFIGURATION_EXIT})"
    _, history, _, thread = supervise(Program("worker:watch", python(code)), Program("web", python(FOREVER)))
    thread.join(15)
    assert history[-1] == {"exit": [CONFIGURATION_EXIT]}


def test_nothing_outlives_a_supervisor_that_is_killed(eventually: Any, tmp_path: Path) -> None:
    log = tmp_path / "pids"
    grandchild = (
        "import os, time\n"
        "child = os.fork()\n"
        f"if child: open({str(log)!r}, 'a').write(f'{{os.getpid()}} {{child}}\\n')\n"
        "time.sleep(1000)"
    )
    code = (
        "import sys, threading\n"
        "from cloudpay.app.supervisor import Program, Supervisor\n"
        f"Supervisor([Program('web', [sys.executable, '-I', '-S', '-c', {grandchild!r}])]).run(threading.Event())"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code])
    try:
        eventually(lambda: log.exists() and log.read_text().endswith("\n"))
        pids = [int(pid) for pid in log.read_text().split()]
        assert all(alive(pid) for pid in pids)
    finally:
        supervisor.kill()
        supervisor.wait()
    eventually(lambda: not any(alive(pid) for pid in pids))
