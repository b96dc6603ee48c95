"""Amounts: integers of base units inside, decimal strings at the edges, no float anywhere."""

import re
from decimal import ROUND_CEILING, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import ClassVar

from cloudpay.kernel.errors import InvalidRequest

AMOUNT_PATTERN = re.compile(r"[0-9]{1,20}(\.[0-9]{1,18})?", re.ASCII)
MAX_BASE_UNITS = 10**78 - 1  # what 78 digits hold; 2**256 - 1 has 78 digits

# Wide enough for 78 digits before and 18 after the point; a result that does not fit raises.
_EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])
_CEILING = Context(prec=120, rounding=ROUND_CEILING)


class InvalidAmount(InvalidRequest):
    """An amount is not written as a plain decimal, or is finer than its asset."""

    code: ClassVar[str] = "invalid_amount"

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"The amount {text[:40]!r} {reason}.", errors={"amount": [f"It {reason}."]})
        self.text = text


def parse_decimal(text: str) -> Decimal:
    """Read a plain decimal (`10`, `0.5`), exactly; no sign, exponent, spaces or foreign digits."""
    if AMOUNT_PATTERN.fullmatch(text) is None:
        raise InvalidAmount(
            text, "is not a plain decimal number such as 10.50 (at most 20 digits before the point, 18 after)"
        )
    return Decimal(text)


def to_base_units(amount: Decimal, decimals: int) -> int:
    """Convert a decimal amount to base units; raises `InvalidAmount` when the asset has fewer decimals."""
    units = amount.scaleb(decimals, context=_EXACT)
    if units != units.to_integral_value(context=_EXACT):
        raise InvalidAmount(f"{amount:f}", f"has more than the {decimals} decimals of this asset")
    return int(units)


def parse_amount(text: str, decimals: int) -> int:
    """Read a positive decimal string as base units of an asset with that many decimals."""
    units = to_base_units(parse_decimal(text), decimals)
    if units == 0:
        raise InvalidAmount(text, "must be more than zero")
    return units


def format_amount(units: int, decimals: int) -> str:
    """Write base units as a decimal string: at least two decimals, no further trailing zeros (`10.00`)."""
    digits = str(units).rjust(decimals + 1, "0")
    whole, fraction = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def from_base_units(units: int, decimals: int) -> Decimal:
    """Convert base units to an exact decimal."""
    return Decimal(units).scaleb(-decimals, context=_EXACT)


def divide_up(amount: Decimal, rate: Decimal, places: int) -> Decimal:
    """Divide and round up at `places` decimals: a quoted price never falls short of what it was quoted for."""
    return _CEILING.divide(amount, rate).quantize(Decimal(1).scaleb(-places), context=_CEILING)
