"""When a delivery is tried again."""

import random
from collections.abc import Callable
from datetime import timedelta

# Before the first attempt, the second, … (the schedule that Standard Webhooks recommends): about three days in all.
DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
LONGEST_RETRY_AFTER = timedelta(hours=24)
_JITTER = 0.1  # only ever later, so that the schedule is kept and a crowd of failures still spreads out


def next_delay(
    attempts_made: int,
    retry_after: timedelta | None = None,
    *,
    spread: Callable[[float, float], float] = random.uniform,
) -> timedelta | None:
    """Answer the time until the next attempt, or None when the schedule is used up.

    An endpoint's Retry-After can put the attempt off (up to a day), never bring it forward.
    """
    if attempts_made >= len(DELAYS):
        return None
    wanted = min(retry_after or timedelta(0), LONGEST_RETRY_AFTER)
    return max(DELAYS[attempts_made], wanted) * spread(1.0, 1.0 + _JITTER)
