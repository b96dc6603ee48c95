"""Figures and how they are printed: never without the machine, the database and the command that repeats them."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_WHOLE_FROM = 100
"""Numbers from here on are printed without decimals."""


@dataclass(frozen=True)
class Figure:
    """One measured number; `how` says under which conditions."""

    what: str
    value: float
    unit: str
    how: str = ""

    def line(self) -> str:
        """Write it in one line."""
        number = f"{self.value:,.0f}" if self.value >= _WHOLE_FROM else f"{self.value:,.3g}"
        return f"  {self.what}: {number} {self.unit}" + (f"   ({self.how})" if self.how else "")


@dataclass(frozen=True)
class Scale:
    """How long and how large a benchmark may be."""

    quick: bool

    def of(self, full: int, quick: int) -> int:
        """Choose a number for this run."""
        return quick if self.quick else full


def machine() -> str:
    """Name what the figures depend on beside the program: processor, cores, load, Python."""
    one, five, _fifteen = os.getloadavg()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"load average {one:.1f} (1 min), {five:.1f} (5 min)"
    return f"{cores} cores of {_processor()}, {load}, Python {platform.python_version()}, {platform.system()}"


def show(name: str, figures: Iterable[Figure], *, quick: bool, before: str) -> None:
    """Print one benchmark's figures; `before` is the machine as it was when the benchmark began."""
    print(name)
    for figure in figures:
        print(figure.line())
    print(f"  machine: {before}")
    print(f"  again:   python -m bench {name}{' --quick' if quick else ''}\n", flush=True)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
