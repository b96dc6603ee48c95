"""Counting hits against rate limits: in Redis for all processes together, in this one's memory while Redis is away.

Redis is not asked at every hit: of a large limit a process takes up to 1 % in one step, and hands it out from memory.
So a limit is never exceeded; what a process took and did not use by the end of its window is lost, up to 1 % for each.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from cloudpay.kernel.log import get_logger

_REDIS: dict[str, Any] = {
    "wrap_exceptions": True,
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "retry": None,
}  # a stall must not hold requests up
_AWAY_SECONDS = 5.0
_STEPS = 100
_LARGEST_STEP = 50
_SHORTEST_WINDOW = (
    10  # seconds; Redis tells the end of a window in whole ones, so that a short one has no steps
)
_MOST_KEPT = 10_000

_log = get_logger(__name__)


@dataclass
class _Step:
    """Hits that are counted already, and the end of their window in Unix seconds."""

    left: int
    until: float


class HitCounter:
    """Counts in fixed windows; never raises because of Redis."""

    def __init__(self, redis_url: str) -> None:
        self._memory = FixedWindowRateLimiter(storage_from_string("memory://"))
        self._shared = (
            FixedWindowRateLimiter(storage_from_string(_scheme(redis_url), **_REDIS)) if redis_url else None
        )
        self._away_until = 0.0
        self._lock = threading.Lock()
        self._steps: dict[str, _Step] = {}

    def exceeded(self, limits: Iterable[RateLimitItem], *who: str) -> int | None:
        """Count one hit against each limit; None when all hold, else after how many seconds to try again, at most."""
        for limit in limits:
            if not self._from_memory(limit.key_for(*who)) and (wait := self._count(limit, who)) is not None:
                return wait
        return None

    def _from_memory(self, key: str) -> bool:
        with self._lock:
            step = self._steps.get(key)
            if step is None or step.left == 0 or step.until <= time.time():
                return False
            step.left -= 1
            return True

    def _count(self, limit: RateLimitItem, who: tuple[str, ...]) -> int | None:
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return self._hit(self._shared, limit, who, _size(limit))
            except StorageError as error:
                self._away_until = time.monotonic() + _AWAY_SECONDS
                _log.warning("limits_in_memory", error=str(error), again_in=_AWAY_SECONDS)
        return self._hit(self._memory, limit, who, 1)

    def _hit(
        self, window: FixedWindowRateLimiter, limit: RateLimitItem, who: tuple[str, ...], size: int
    ) -> int | None:
        if not window.hit(limit, *who, cost=size):
            reset = window.get_window_stats(limit, *who).reset_time
            return min(limit.get_expiry(), max(1, int(reset - time.time()) + 1))
        if size > 1:
            until = window.get_window_stats(limit, *who).reset_time - 1  # which was rounded
            self._keep(limit.key_for(*who), _Step(size - 1, until))
        return None

    def _keep(self, key: str, step: _Step) -> None:
        now = time.time()
        with self._lock:
            if len(self._steps) >= _MOST_KEPT:
                live = {each: kept for each, kept in self._steps.items() if kept.left and kept.until > now}
                self._steps = live if len(live) < _MOST_KEPT else {}
            other = self._steps.get(key)  # of a thread that asked at the same time
            if other is not None and other.until > now:
                step.left += other.left
                step.until = min(step.until, other.until)
            self._steps[key] = step


def _size(limit: RateLimitItem) -> int:
    """How many hits to take at once."""
    if limit.get_expiry() < _SHORTEST_WINDOW:
        return 1
    return min(_LARGEST_STEP, max(1, limit.amount // _STEPS))


def _scheme(redis_url: str) -> str:
    """Answer the address as the limits library writes it; it names a Unix socket otherwise than Redis clients do."""
    return f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
