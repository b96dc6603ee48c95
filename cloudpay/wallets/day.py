"""What was signed for today, each spend once, so that a fee bump does not use up the day."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime

from cloudpay.chains.spending import Spend


class DayTotals:
    """Sums by network and asset since midnight UTC, by this machine's clock: the database cannot set it back."""

    def __init__(self, unix: Callable[[], float] = time.time) -> None:
        self._unix = unix
        self._day: date | None = None
        self._known: set[bytes] = set()
        self._sums: defaultdict[tuple[str, str], int] = defaultdict(int)

    def would_be(self, network: str, spends: tuple[Spend, ...]) -> dict[str, int]:
        """Answer the sums by asset that there would be with these spends; those that are counted add nothing."""
        self._turn_page()
        sums: dict[str, int] = {}
        for spend in spends:
            asset = spend.contract or ""
            sums.setdefault(asset, self._sums[network, asset])
            sums[asset] += 0 if _identity(network, spend) in self._known else spend.amount
        return sums

    def count(self, network: str, spend: Spend, signed_at: datetime | None = None) -> None:
        """Count a spend that was signed now, or then; one of another day is not counted."""
        self._turn_page()
        identity = _identity(network, spend)
        if identity in self._known or (
            signed_at is not None and signed_at.astimezone(UTC).date() != self._day
        ):
            return
        self._known.add(identity)
        self._sums[network, spend.contract or ""] += spend.amount

    def _turn_page(self) -> None:
        today = datetime.fromtimestamp(self._unix(), UTC).date()
        if today != self._day:
            self._day = today
            self._known.clear()
            self._sums.clear()


def _identity(network: str, spend: Spend) -> bytes:
    """A spend that comes again under its id with another amount or recipient is another one."""
    parts = (network, spend.id, spend.recipient, spend.contract or "", str(spend.amount))
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]
