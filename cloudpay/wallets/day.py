"""What was signed for today, each spend once under the same claims, so that a fee bump does not use up the day."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cloudpay.chains.spending import Spend


@dataclass(frozen=True)
class Counted:
    """A spend to somebody else that was signed, under which claims, and when by the signer's clock."""

    network: str
    spend: Spend
    claims: frozenset[str]
    at: datetime


class DayTotals:
    """Sums by network and asset since midnight UTC, by this machine's clock: the database cannot set it back.

    Nor can it have a spend signed again for nothing: only one chain transaction can use up a claim, so that what is
    signed under the same claims is paid once, and what is signed under others is counted once more.
    """

    def __init__(self, unix: Callable[[], float] = time.time) -> None:
        self._unix = unix
        self._day: date | None = None
        self._known: set[bytes] = set()
        self._sums: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.fresh: list[Counted] = []
        """What was counted now and is not written down yet: it is, before its bytes are kept."""

    def would_be(self, network: str, spends: tuple[Spend, ...], claims: frozenset[str]) -> dict[str, int]:
        """Answer the sums by asset that there would be with these spends; those that are counted add nothing."""
        self._turn_page()
        sums: dict[str, int] = {}
        for spend in spends:
            asset = spend.contract or ""
            sums.setdefault(asset, self._sums[network, asset])
            sums[asset] += 0 if _identity(network, spend, claims) in self._known else spend.amount
        return sums

    def count(self, network: str, spend: Spend, claims: frozenset[str]) -> None:
        """Count a spend that is signed now."""
        self._turn_page()
        counted = Counted(network, spend, claims, datetime.fromtimestamp(self._unix(), UTC))
        if self._add(counted):
            self.fresh.append(counted)

    def recall(self, counted: Counted) -> None:
        """Count what an earlier process has signed; that of another day is not counted."""
        self._turn_page()
        if counted.at.astimezone(UTC).date() == self._day:
            self._add(counted)

    def _add(self, counted: Counted) -> bool:
        identity = _identity(counted.network, counted.spend, counted.claims)
        if identity in self._known:
            return False
        self._known.add(identity)
        self._sums[counted.network, counted.spend.contract or ""] += counted.spend.amount
        return True

    def _turn_page(self) -> None:
        today = datetime.fromtimestamp(self._unix(), UTC).date()
        if today != self._day:
            self._day = today
            self._known.clear()
            self._sums.clear()


def _identity(network: str, spend: Spend, claims: frozenset[str]) -> bytes:
    """A spend that comes again under its id with another amount, recipient or claim is another one."""
    parts = (network, spend.id, spend.recipient, spend.contract or "", str(spend.amount), *sorted(claims))
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]
