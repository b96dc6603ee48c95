"""What processes cost while they do nothing: resident memory, and each one's share of what several map."""

import os
from dataclasses import dataclass
from pathlib import Path

from bench.servers import Unavailable

_PROC = Path("/proc")
_KILOBYTES_PER_MB = 1024
_TICKS = os.sysconf("SC_CLK_TCK")
_RESET_PEAK = "5"
"""What `clear_refs` takes for it (proc(5))."""


@dataclass(frozen=True)
class Cost:
    """One process: MB resident, MB in proportion (a page that n processes map counts 1/n), seconds of processor."""

    pid: int
    command: str
    rss: float
    pss: float
    cpu: float


def costs_below(pid: int) -> list[Cost]:
    """Answer what a process and all below it cost; Linux only."""
    if not (_PROC / "self" / "smaps_rollup").exists():
        raise Unavailable("this system does not tell the memory of processes as Linux does")
    return [_cost(each) for each in _tree(pid)]


def _tree(pid: int) -> list[int]:
    below = [
        int(child)
        for children in (_PROC / str(pid) / "task").glob("*/children")
        for child in children.read_text().split()
    ]
    return [pid, *(each for child in below for each in _tree(child))]


def _cost(pid: int) -> Cost:
    folder = _PROC / str(pid)
    lines = (line.split() for line in (folder / "smaps_rollup").read_text().splitlines()[1:])
    sizes = {line[0]: int(line[1]) / _KILOBYTES_PER_MB for line in lines}
    words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
    ticks = (folder / "stat").read_text().rpartition(")")[2].split()
    return Cost(
        pid, " ".join(words), sizes["Rss:"], sizes["Pss:"], (int(ticks[11]) + int(ticks[12])) / _TICKS
    )


def reset_peak_below(pid: int) -> None:
    """Have the peaks of a process and of all below it begin anew."""
    for each in _tree(pid):
        (_PROC / str(each) / "clear_refs").write_text(_RESET_PEAK)


def peak_below(pid: int) -> float:
    """Answer the MB that a process and all below it held at most since then, each at its own time."""
    return sum(_peak(each) for each in _tree(pid))


def _peak(pid: int) -> float:
    lines = (_PROC / str(pid) / "status").read_text().splitlines()
    return next(int(line.split()[1]) / _KILOBYTES_PER_MB for line in lines if line.startswith("VmHWM:"))
