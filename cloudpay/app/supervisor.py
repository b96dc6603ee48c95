"""Supervision: starts programs, starts again what dies, and leaves nothing running behind."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.app.groups import ProcessGroups
from cloudpay.kernel.log import get_logger

Pids = Mapping[str, Sequence[int]]

_TICK_SECONDS = 0.1
_AT_ONCE_AFTER = 10.0
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 30.0
_HEALTHY_AFTER = 60.0
_GRACE_SECONDS = 8.0

_log = get_logger(__name__)


@dataclass(frozen=True)
class Program:
    """What to run; the programs of a later `stage` are stopped after those of an earlier one have ended.

    `roles` are the names under which its process id is told, where it does the work of several.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stage: int = 0
    roles: Sequence[str] = ()


@dataclass
class _Child:
    """One program and its present process."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    delay: float = _FIRST_DELAY
    due: float = 0.0
    starts: int = 0


class Supervisor:
    """Runs programs, each in a process group of its own, until it is told to stop.

    `changed` is called with the present process ids by name or role, after every start and every death.
    """

    def __init__(
        self, programs: Sequence[Program], *, changed: Callable[[Pids], None] = lambda _pids: None
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._changed = changed
        self._groups = ProcessGroups()

    @property
    def pids(self) -> Pids:
        """The process id of each program that runs, under its name or each of its roles."""
        return {
            role: [child.process.pid]
            for child in self._children
            if child.process is not None and child.process.poll() is None
            for role in child.program.roles or (child.program.name,)
        }

    def run(self, stop: threading.Event) -> int:
        """Keep every program running until `stop` is set, then end them all.

        Answers 0, or 78 when a program ended on its first start because the configuration is wrong.
        """
        try:
            while not stop.is_set():
                if any(_is_misconfigured(child) for child in self._children):
                    return CONFIGURATION_EXIT
                changes = [self._tend(child) for child in self._children]
                if any(changes):
                    self._changed(self.pids)
                self._groups.check()
                stop.wait(_TICK_SECONDS)
            return 0
        finally:
            self._end()

    def _tend(self, child: _Child) -> bool:
        """Notice a death, start what is due; answer whether anything changed."""
        now = time.monotonic()
        if child.process is not None:
            if child.process.poll() is None:
                return False
            self._bury(child, child.process, now)
            return True
        if now < child.due:
            return False
        self._start(child, now)
        return True

    def _start(self, child: _Child, now: float) -> None:
        program = child.program
        self._groups.prepare()
        child.process = subprocess.Popen(
            program.command,
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops them in order
        )
        self._groups.add(child.process.pid)
        child.began = now
        child.starts += 1
        _log.info("process_started", process=program.name, pid=child.process.pid, start=child.starts)

    def _bury(self, child: _Child, process: "subprocess.Popen[bytes]", now: float) -> None:
        """Kill what the dead left in its group (a server's orphans would keep the port) and plan the next start."""
        self._groups.kill(process.pid)
        lived = now - child.began
        if lived > _HEALTHY_AFTER:
            child.delay = _FIRST_DELAY
        pause = 0.0 if lived > _AT_ONCE_AFTER else child.delay  # only what dies at its start is held back
        _log.error(
            "process_died",
            process=child.program.name,
            pid=process.pid,
            code=process.returncode,
            again_in=pause,
        )
        child.due = now + pause
        child.delay = min(child.delay * 2, _LONGEST_DELAY)
        child.process = None

    def _end(self) -> None:
        """Stop stage by stage; what does not stop in time is killed."""
        deadline = time.monotonic() + _GRACE_SECONDS
        for stage in sorted({child.program.stage for child in self._children}):
            processes = [
                child.process for child in self._children if child.program.stage == stage and child.process
            ]
            for process in processes:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
            for process in processes:
                self._wait_or_kill(process, deadline)
        self._groups.close()
        self._changed({})

    def _wait_or_kill(self, process: "subprocess.Popen[bytes]", deadline: float) -> None:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.error("process_killed", pid=process.pid)
        self._groups.kill(process.pid)
        process.wait()


def _is_misconfigured(child: _Child) -> bool:
    ended = None if child.process is None else child.process.poll()
    return ended == CONFIGURATION_EXIT and child.starts == 1
