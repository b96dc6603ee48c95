"""A small process that ends the supervisor's children when the supervisor is gone, however it went.

    python leash.py < PIPE

Each line names a process group to hold (`+123`) or to let go (`-123`). The end of the pipe means that the supervisor
has ended: each group still held is asked to stop, then killed. Only the standard library is used, and little of it.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 8.0


def hold(lines: Iterable[str]) -> set[int]:
    """Read until the end of the pipe; answer the groups that are held then."""
    groups: set[int] = set()
    for line in lines:
        number = int(line[1:])
        groups.add(number) if line[0] == "+" else groups.discard(number)
    return groups


def signal_groups(groups: set[int], number: int) -> set[int]:
    """Signal each group; answer those that still have a process in them."""
    alive = set()
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
            alive.add(group)
    return alive


def main() -> None:
    """Hold, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the supervisor's own end counts
    groups = signal_groups(hold(sys.stdin), signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while groups and time.monotonic() < deadline:
        time.sleep(0.1)
        groups = signal_groups(groups, 0)
    signal_groups(groups, signal.SIGKILL)


if __name__ == "__main__":
    main()
