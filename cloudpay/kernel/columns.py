"""Column types that keep exact what a database would round."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator

_DIGITS = 78
_TOTAL_DIGITS = 96


class BaseUnits(TypeDecorator[int]):
    """A non-negative integer of base units as zero-padded text: exact everywhere, and sorts as a number.

    SQLite's numbers stop at 64 bits and its decimals go through float, so sums are made in Python, never by SQL.
    """

    impl = String(_DIGITS)
    cache_ok = True
    digits: ClassVar[int] = _DIGITS

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """Write the integer with leading zeros."""
        if value is None:
            return None
        text = str(value).rjust(self.digits, "0")
        if value < 0 or len(text) > self.digits:
            raise ValueError(f"{value} base units do not fit an amount column")
        return text

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """Read the integer back."""
        return None if value is None else int(value)


class RunningTotal(BaseUnits):
    """What has been added up for ever: room for 10**18 of the greatest amounts, so that no booking ever overflows."""

    impl = String(_TOTAL_DIGITS)
    cache_ok = True
    digits: ClassVar[int] = _TOTAL_DIGITS


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC; a naive one is refused rather than guessed at."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC (SQLite keeps no zone, so the zone is dropped there)."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Answer UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
