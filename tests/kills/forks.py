"""Forks the gateway's processes from one that has imported everything: a restart costs some 50 ms instead of a second.

    python -m tests.kills.forks < ORDERS > NEWS

An order is a line of JSON with `role`, `environment` and `log`; the news are `{"pid": …}` for each order, in turn, and
`{"ended": pid, "status": …}` for each process that ended. At the end of the orders every process is killed.
"""

import contextlib
import ctypes
import gc
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kills.roles import preload, work

_PR_SET_PDEATHSIG = 1
_TICK = 0.005
_GONE = -1


class Forks:
    """The forking process, and the news of those that it forked."""

    def __init__(self, listener: int) -> None:
        self.ended: queue.Queue[tuple[int, int]] = queue.Queue()
        self._pids: queue.Queue[int] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            pass_fds=(listener,),
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        self._news = self._process.stdout
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, role: str, environment: Mapping[str, str], log: Path) -> int:
        """Fork a process of a role; answer its id."""
        assert self._process.stdin is not None
        order = {"role": role, "environment": dict(environment), "log": str(log)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        pid = self._pids.get(timeout=60)
        if pid == _GONE:
            raise AssertionError(f"the forking process ended with {self._process.wait(10)}")
        return pid

    def close(self) -> None:
        """Have every process killed."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._reader.join(10)
        self._news.close()

    def _read(self) -> None:
        for line in self._news:
            news: dict[str, int] = json.loads(line)
            if "pid" in news:
                self._pids.put(news["pid"])
            else:
                self.ended.put((news["ended"], news["status"]))
        self._pids.put(_GONE)


class _Server:
    """The forking side; it has one thread, and opens nothing that a fork must not share."""

    def __init__(self, news: int) -> None:
        self._news = news
        self._children: set[int] = set()
        self._libc = ctypes.CDLL(None)

    def run(self) -> None:
        rest = b""
        while True:
            self._reap()
            if not select.select([0], [], [], _TICK)[0]:
                continue
            read = os.read(0, 65536)
            if not read:
                break
            *orders, rest = (rest + read).split(b"\n")
            for order in orders:
                self._fork(json.loads(order))
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _tell(self, **news: int) -> None:
        os.write(self._news, json.dumps(news).encode() + b"\n")

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                self._children.discard(found[0])
                self._tell(ended=found[0], status=os.waitstatus_to_exitcode(found[1]))

    def _fork(self, order: Mapping[str, Any]) -> None:
        pid = os.fork()
        if pid:
            self._children.add(pid)
            self._tell(pid=pid)
            return
        if sys.platform.startswith("linux"):  # elsewhere the end of the orders must do
            self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, log), (2, log)):
            os.dup2(source, target)
        os.close(self._news)
        os.environ.clear()
        os.environ.update(order["environment"])
        code = 1
        try:
            work(order["role"])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        except BaseException:  # noqa: BLE001  # the last word of a process
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)


def main() -> None:
    """Serve until the orders end."""
    news = os.dup(1)
    os.dup2(2, 1)  # whatever prints must not be taken for news
    preload()
    gc.collect()
    gc.freeze()
    _Server(news).run()


if __name__ == "__main__":
    main()
