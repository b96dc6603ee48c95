"""How used bandwidth and energy fade: linearly, over a day, in java-tron's rounding."""

from cloudpay_devnet.tron.parameters import WINDOW_SLOTS
from cloudpay_devnet.tron.records import Usage

_PRECISION = 1_000_000


def left_of(usage: Usage, slot: int) -> int:
    """What still counts of a usage at a later slot."""
    return increased(usage, 0, slot).amount


def increased(usage: Usage, by: int, slot: int) -> Usage:
    """A usage after more was used."""
    average = _ceil(usage.amount * _PRECISION, WINDOW_SLOTS)
    age = slot - usage.slot
    if age >= WINDOW_SLOTS:
        average = 0
    elif age > 0:
        average = (2 * average * (WINDOW_SLOTS - age) + WINDOW_SLOTS) // (2 * WINDOW_SLOTS)
    average += _ceil(by * _PRECISION, WINDOW_SLOTS)
    return Usage(average * WINDOW_SLOTS // _PRECISION, slot)


def _ceil(value: int, divisor: int) -> int:
    return -(-value // divisor)
