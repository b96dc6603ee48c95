"""The lines of bookings: an amount that goes from one account of an owner to another, and the reversal of lines."""

from collections.abc import Sequence
from functools import lru_cache

from cloudpay.ledger.types import AccountKey, AccountKind, Line, Side

Owner = tuple[str, bool, str]
"""Whose accounts: merchant, mode and network."""


def moved(owner: Owner, asset: str, amount: int, source: AccountKind, goal: AccountKind) -> tuple[Line, ...]:
    """Answer the two lines by which an amount goes from one account to another; none where it is nothing."""
    if amount == 0:
        return ()
    return (
        Line(_key(*owner, asset, goal), Side.DEBIT, amount),
        Line(_key(*owner, asset, source), Side.CREDIT, amount),
    )


def swapped(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Answer the exact reversal of lines."""
    return tuple(Line(each.account, each.side.other, each.amount) for each in lines)


@lru_cache(maxsize=1024)
def _key(merchant_id: str, livemode: bool, network: str, asset: str, kind: AccountKind) -> AccountKey:
    """Few accounts are named by many lines."""
    return AccountKey(merchant_id, livemode, network, asset, kind)
