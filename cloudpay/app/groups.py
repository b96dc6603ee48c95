"""The process groups that must not outlive this process, not even after `kill -9`."""

import os
import signal
import subprocess
import sys

from cloudpay.app import leash


class ProcessGroups:
    """Keeps a leash (see `leash.py`) that knows every group of ours."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._leash: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Have the leash there before the first group is: what is started meanwhile would be held by nobody."""
        if self._leash is None:
            self._start()

    def add(self, group: int) -> None:
        """Have the group ended when this process ends."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def kill(self, group: int) -> None:
        """Kill whatever is left in the group, and forget it."""
        kill_group(group)
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def check(self) -> None:
        """Start the leash again if somebody ended it."""
        if self._groups and self._leash is not None and self._leash.poll() is not None:
            self._start()

    def close(self) -> None:
        """End the leash; groups that are still held are ended by it first."""
        if self._leash is not None and self._leash.stdin is not None:
            self._leash.stdin.close()
            self._leash.wait()

    def _tell(self, line: str) -> None:
        if self._leash is None or self._leash.stdin is None:
            self._start()
            return
        try:
            self._leash.stdin.write(line.encode())
            self._leash.stdin.flush()
        except BrokenPipeError:
            self._start()

    def _start(self) -> None:
        self._leash = subprocess.Popen(
            [sys.executable, "-I", "-S", leash.__file__],
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        for group in self._groups:
            self._tell(f"+{group}\n")


def kill_group(group: int) -> None:
    """Kill every process of a group, if there is one."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nothing is left in it (macOS answers EPERM for a group of zombies)
