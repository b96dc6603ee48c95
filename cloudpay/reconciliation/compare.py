"""Ledger against chain as a pure function: what is booked, what may rightly differ, what lies there."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloudpay.ledger.pots import Change, Pot, Surety

_FEW = 10
"""Doubtful changes of a pot of which every combination is tried; of more, anything between all and none is right."""


@dataclass(frozen=True)
class Comparison:
    """One pot, in base units: booked, rightly not booked at this block, perhaps not, lying there, and unexplained."""

    pot: Pot
    ledger: int
    pending: int
    doubtful: int
    chain: int
    drift: int


def compare(
    booked: Mapping[Pot, int], changes: Iterable[Change], lying: Mapping[Pot, int]
) -> list[Comparison]:
    """Answer every pot that anything is known of, in order; `drift` is what lies there beyond what is explained.

    It is below zero where less lies there. Of what is doubtful, what explains most is taken to have happened.
    """
    by_pot: defaultdict[Pot, list[Change]] = defaultdict(list)
    for change in changes:
        by_pot[change.pot].append(change)
    pots = sorted(booked.keys() | by_pot.keys() | lying.keys())
    return [_line(pot, booked.get(pot, 0), by_pot[pot], lying.get(pot, 0)) for pot in pots]


def _line(pot: Pot, ledger: int, changes: Sequence[Change], chain: int) -> Comparison:
    pending = sum(each.amount for each in changes if each.surety is Surety.SURE)
    maybe = [each.amount for each in changes if each.surety is Surety.MAYBE]
    partly = [each.amount for each in changes if each.surety is Surety.PARTLY]
    drift = _beyond(chain - ledger - pending, maybe, partly)
    return Comparison(pot, ledger, pending, sum(maybe) + sum(partly), chain, drift)


def _beyond(gap: int, maybe: Sequence[int], partly: Sequence[int]) -> int:
    """Answer what is left of a gap when the doubtful changes explain as much of it as they can."""
    if len(maybe) > _FEW:
        maybe, partly = (), [*maybe, *partly]
    low, high = sum(min(0, each) for each in partly), sum(max(0, each) for each in partly)
    sums = {0}
    for amount in maybe:
        sums |= {each + amount for each in sums}
    left = (_outside(gap - each, low, high) for each in sums)
    return min(left, key=lambda each: (abs(each), each))


def _outside(gap: int, low: int, high: int) -> int:
    if gap > high:
        return gap - high
    return min(0, gap - low)
