"""Who holds a lease: names that say which process it is, so that a neighbour can see that it is gone.

A lease of a killed process would otherwise keep everybody waiting until it runs out. A name tells the machine's boot,
the process-id namespace (each container has its own), the process id and the moment when that process began, which
tells it from a later one of the same id. Whoever shares boot and namespace can ask the kernel; anybody else, and every
system without /proc, cannot know, and waits. Nothing rests on the answer being right: what a holder commits is fenced.
"""

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from cloudpay.kernel.ids import new_id

_PROC = Path("/proc")
_STATE, _BEGAN = 0, 19  # fields 3 and 22 of /proc/PID/stat (proc(5)), counted from behind the command's name
_ENDED = ("Z", "X")


def new_holder(prefix: str) -> str:
    """Answer a fresh name for a holder in this process, such as `watcher_01J9…@3f9a1c2b7d4e5f60:4711:987654`."""
    return f"{new_id(prefix)}{_here(os.getpid())}"


def is_gone(holder: str) -> bool:
    """Say whether the process of a holder has certainly ended; False also means that it cannot be known from here."""
    place, _, process = holder.partition("@")[2].partition(":")
    if not place or place != _place():
        return False
    pid, _, began = process.partition(":")
    try:
        os.kill(int(pid), 0)
        state = _stat(int(pid))
    except ProcessLookupError:
        return True
    except OSError:  # it is there, and another user's; or it went this moment, which the next look will tell
        return False
    return state[_STATE] in _ENDED or state[_BEGAN] != began


def gone(holders: Iterable[str | None]) -> list[str]:
    """Answer those among these whose process has certainly ended."""
    return [holder for holder in {*holders} if holder is not None and is_gone(holder)]


@cache
def _here(pid: int) -> str:
    """The part of a name that tells the process; empty where the system cannot tell it. A fork has its own."""
    return f"@{_place()}:{pid}:{_stat(pid)[_BEGAN]}" if _place() else ""


@cache
def _place() -> str:
    """Boot and process-id namespace, in 16 letters."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{namespace}".encode()).hexdigest()[:16]


def _stat(pid: int) -> list[str]:
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
