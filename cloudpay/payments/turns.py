"""Whose balance is looked at next: a budget goes round the watched addresses, by need."""

from datetime import datetime, timedelta
from typing import NamedTuple

KEPT = timedelta(days=7)
"""How long after its expiry an address is looked at."""
_OPEN_SHARE, _CLOSED_SHARE = 8, 4
_SHORTEST_CLOSED = timedelta(minutes=1)


class Turn(NamedTuple):
    """One watched address, to be looked at from `look_at` on.

    `owed_at` is its invoice's expiry until it has been looked at in a block made after that, then None: such a look is
    due before the invoice may expire, and comes before all others. `failing_since`: since when what such looks found
    cannot be written down.
    """

    deposit_id: str
    address: str
    created_at: datetime
    expires_at: datetime
    look_at: datetime
    owed_at: datetime | None
    failing_since: datetime | None = None


def is_owed(turn: Turn, began: datetime) -> bool:
    """Say whether, for a poll that began then, a look after the expiry is due before all others."""
    return turn.owed_at is not None and turn.owed_at < began


def is_past(turn: Turn, block_time: int) -> bool:
    """Say whether a block was made after the expiry (Unix seconds), so that no later one can hold a timely payment."""
    return block_time > turn.expires_at.timestamp()


def is_over(turn: Turn, began: datetime) -> bool:
    """Say whether an address need not be looked at any more after this poll: its invoice expired long ago."""
    return turn.expires_at + KEPT < began


def next_look(turn: Turn, began: datetime) -> datetime:
    """Answer when an address that was looked at in a poll that began then should have its next turn.

    Payers pay soon after they were asked, or shortly before it is too late: then the turns are close. After the expiry
    they come ever less often.
    """
    if began > turn.expires_at:
        return began + max(_SHORTEST_CLOSED, (began - turn.expires_at) / _CLOSED_SHARE)
    age = max(timedelta(), began - turn.created_at)
    return began + min(age, turn.expires_at - began) / _OPEN_SHARE
