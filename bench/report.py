"""Figures and how they are printed: never without the machine, the database and the command that repeats them."""

import math
import os
import platform
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_WHOLE_FROM = 100
"""Numbers from here on are printed without decimals."""


@dataclass(frozen=True)
class Figure:
    """One measured number; `how` says under which conditions, `at_least` or `at_most` is the goal, if there is one."""

    what: str
    value: float
    unit: str
    how: str = ""
    at_least: float | None = None
    at_most: float | None = None

    def line(self) -> str:
        """Write it in one line."""
        told = f"  {self.what}: {self.amount}" + (f"   ({self.how})" if self.how else "")
        return f"{told}   [goal {self.bound}]" if self.bound else told

    @property
    def amount(self) -> str:
        """The number and its unit."""
        return f"{_number(self.value)} {self.unit}"

    @property
    def ratio(self) -> float | None:
        """How many times over the goal is reached: 1 and more is met. None where there is no goal."""
        if self.at_least is not None:
            return self.value / self.at_least
        if self.at_most is not None:
            return self.at_most / self.value if self.value else float("inf")
        return None

    @property
    def bound(self) -> str:
        """The goal and how far it is met, in words; empty where there is none."""
        if self.ratio is None:
            return ""
        bound = (
            f">= {_number(self.at_least)}"
            if self.at_least is not None
            else f"<= {_number(self.at_most or 0)}"
        )
        return f"{bound}: {'met' if self.ratio >= 1 else 'MISSED'}, {math.floor(self.ratio * 100) / 100:.2f}"

    def fields(self) -> dict[str, Any]:
        """Everything, for a program."""
        bounds = {"at_least": self.at_least, "at_most": self.at_most, "ratio": self.ratio}
        return {"what": self.what, "value": self.value, "unit": self.unit, "how": self.how} | bounds


@dataclass(frozen=True)
class Scale:
    """How long and how large a benchmark may be."""

    quick: bool

    def of(self, full: int, quick: int) -> int:
        """Choose a number for this run."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Report:
    """One benchmark's figures with what they depend on: `before` and `after` are load averages, among others."""

    name: str
    figures: tuple[Figure, ...]
    quick: bool
    before: float
    after: float

    @property
    def command(self) -> str:
        """What repeats it."""
        return f"python -m bench {self.name}{' --quick' if self.quick else ''}"

    def show(self) -> None:
        """Print it."""
        print(self.name)
        for figure in self.figures:
            print(figure.line())
        print(f"  machine: {machine()}; load average {self.before:.1f} before, {self.after:.1f} after")
        print(f"  again:   {self.command}\n", flush=True)

    def fields(self) -> dict[str, Any]:
        """Everything, for a program."""
        figures = [figure.fields() for figure in self.figures]
        loads = {"load_before": self.before, "load_after": self.after}
        return {"name": self.name, "command": self.command, "machine": machine(), **loads, "figures": figures}


def load() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]


@cache
def machine() -> str:
    """Name what the figures depend on beside the program and the load."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    databases = f"SQLite {sqlite3.sqlite_version}, {_postgres_version()}"
    return f"{cores} cores of {_processor()}, Python {platform.python_version()}, {databases}, {platform.system()}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= _WHOLE_FROM else f"{value:,.3g}"


def _postgres_version() -> str:
    from bench.servers import SCRIPTS

    if SCRIPTS not in sys.path:
        sys.path.insert(0, SCRIPTS)
    from system import POSTGRES

    initdb = POSTGRES.path()
    if initdb is None:
        return "no PostgreSQL"
    told = subprocess.run([str(initdb), "--version"], capture_output=True, text=True, check=True).stdout
    return f"PostgreSQL {told.partition(')')[2].split()[0]}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
