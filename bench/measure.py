"""How a rate is measured and shown."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import quantiles

FEWEST = 20
"""A percentile of fewer says nothing."""


@dataclass(frozen=True)
class Figure:
    """How often something was done, and how long each time took, in seconds."""

    name: str
    times: tuple[float, ...]

    def line(self) -> str:
        """Write it as one line: how many a second, and the middle and slow ends in milliseconds."""
        cuts = quantiles(self.times, n=100)
        middle, slow = cuts[49] * 1000, cuts[98] * 1000
        rate = len(self.times) / sum(self.times)
        return f"{self.name:<58} {rate:>10,.0f}/s   p50 {middle:>8.3f} ms   p99 {slow:>8.3f} ms"


def measure(name: str, work: Callable[[], object], *, seconds: float = 2.0, warm_up: int = 5) -> Figure:
    """Do something again and again for some seconds, one at a time."""
    for _ in range(warm_up):
        work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < FEWEST:
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return Figure(name, tuple(times))
