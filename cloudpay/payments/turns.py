"""Whose balance is looked at next: a budget goes round the watched addresses, by need."""

from datetime import datetime, timedelta
from typing import NamedTuple

_OPEN_SHARE, _CLOSED_SHARE = 8, 4
_SHORTEST_CLOSED = timedelta(minutes=1)


class Turn(NamedTuple):
    """One watched address; those with the earliest `look_at` come first.

    `look_at` is never later than `expires_at` until the address has been looked at after its expiry: so whoever is
    left out of a look can only hold up the expiry of invoices that expired after that.
    """

    deposit_id: str
    address: str
    created_at: datetime
    expires_at: datetime
    look_at: datetime


def was_unlooked(turn: Turn, began: datetime) -> bool:
    """Say whether, for a poll that began then, this is the first look after the expiry."""
    return turn.look_at <= turn.expires_at < began


def next_look(turn: Turn, began: datetime) -> datetime:
    """Answer when an address that was looked at in a poll that began then should have its next turn.

    Payers pay soon after they were asked, or shortly before it is too late: then the turns are close. At the expiry
    itself a look is due; afterwards they come ever less often.
    """
    if began > turn.expires_at:
        return began + max(_SHORTEST_CLOSED, (began - turn.expires_at) / _CLOSED_SHARE)
    gap = min(began - turn.created_at, turn.expires_at - began) / _OPEN_SHARE
    return min(began + gap, turn.expires_at)
