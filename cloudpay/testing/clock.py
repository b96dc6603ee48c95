"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def start_time() -> int:
    """Answer `START` in Unix seconds: the time of blocks when a test brings no clock."""
    return int(START.timestamp())


class FixedClock:
    """A `cloudpay.kernel.clock.Clock` that a test sets by hand."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def now(self, session: Session) -> datetime:
        """Answer the moment that was set, aware and in UTC."""
        return self.moment

    def told(self, moment: datetime) -> datetime:
        """Answer the moment that was set, whatever time the database has."""
        return self.moment

    def unix(self) -> int:
        """Answer the moment in whole Unix seconds, as block times are given: `FakeChain(unix=clock.unix)`."""
        return int(self.moment.timestamp())

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.moment += by

    def set(self, moment: datetime) -> None:
        """Jump to a moment; raises `ValueError` for one without a time zone."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment!r} has no time zone")
        self.moment = moment.astimezone(UTC)
