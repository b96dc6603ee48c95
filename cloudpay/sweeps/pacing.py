"""When what was left alone is looked at again: soon, rarely, or only when something happens to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from cloudpay.sweeps.states import Standing
from cloudpay.sweeps.types import Held, Terms

_FIRST: Mapping[Standing, timedelta] = {
    Standing.UNQUOTED: timedelta(seconds=10),
    Standing.NO_GAS: timedelta(minutes=1),
    Standing.ABOVE_CAP: timedelta(minutes=1),
    Standing.FAILED: timedelta(minutes=10),
}
_LONGEST: Mapping[Standing, timedelta] = {
    Standing.UNQUOTED: timedelta(minutes=1),
    Standing.NO_GAS: timedelta(minutes=10),
    Standing.ABOVE_CAP: timedelta(hours=1),
    Standing.FAILED: timedelta(days=1),
}
_RAREST = timedelta(days=30)
_ONLY_WHEN_SOMETHING_HAPPENS = frozenset(
    {Standing.COLLECTED, Standing.BEHIND, Standing.OVERDRAWN, Standing.MISSING}
)
_MOST_FAILURES = 8
_DOUBLINGS = 24


_RESTS = frozenset({Standing.FAILED, Standing.NO_GAS, Standing.ABOVE_CAP, Standing.TOO_DEAR})


def was_tried(standing: Standing) -> bool:
    """Say whether it waits because a sweep did not come off: the next one that does not counts on from there."""
    return standing in _RESTS


def rests(standing: Standing, due_at: datetime | None, now: datetime) -> bool:
    """Say whether something was tried in vain and is not to be tried again yet, whatever happens beside it."""
    if standing not in _RESTS:
        return False
    return standing is Standing.FAILED if due_at is None else due_at > now


def next_look(held: Held, standing: Standing, looks: int, terms: Terms) -> datetime | None:
    """Answer when to look again at what was left alone `looks` times before; None: when something happens."""
    if standing is Standing.LATER:
        return held.since + terms.every
    return after(standing, looks, terms.every, terms.now)


def after(standing: Standing, looks: int, every: timedelta, now: datetime) -> datetime | None:
    """Answer when to look again: each time twice as late as the last, and never for ever."""
    if standing in _ONLY_WHEN_SOMETHING_HAPPENS:
        return None
    if standing is Standing.FAILED and looks >= _MOST_FAILURES:
        return None
    pause = _FIRST.get(standing, every) * (1 << min(looks, _DOUBLINGS))
    return now + min(pause, _LONGEST.get(standing, _RAREST))
