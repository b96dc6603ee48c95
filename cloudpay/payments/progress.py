"""How far a network that fell behind has come: kept in its row, and told in the log now and then."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from cloudpay.chains.types import Head
from cloudpay.kernel.log import get_logger
from cloudpay.payments.models import NetworkRow

_TELL_SECONDS = 10.0

log = get_logger(__name__)


class Progress:
    """Follows one network's watcher in this process; `worth` is by how many blocks it must be behind to be told of."""

    def __init__(self, network: str, worth: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._network, self._worth, self._monotonic = network, worth, monotonic
        self._began: tuple[float, int] | None = None
        self._told_at = -_TELL_SECONDS
        self._first = self._last = 0

    def note(self, row: NetworkRow, since: int, head: Head, now: datetime) -> None:
        """Write into the row, in the transaction that moved its cursor on from `since`, how far it has come.

        The range that was begun before the process was killed is gone on with.
        """
        at, last = row.cursor_height or since, head.latest.height
        if last - at <= (self._worth if row.catch_up_from is None else 0):
            row.catch_up_from = row.catch_up_to = row.catch_up_done_at = None
            return
        if row.catch_up_from is None:
            row.catch_up_from = since
        row.catch_up_to = last
        began, height = self._began or (self._monotonic(), at)
        self._began, self._first, self._last = (began, height), row.catch_up_from, last
        left = (self._monotonic() - began) * (last - at) / (at - height) if at > height else None
        row.catch_up_done_at = None if left is None else now + timedelta(seconds=left)

    def tell(self, at: int) -> None:
        """Log it, every few seconds, after the commit of a page that ended at a height."""
        if self._began is None:
            return
        began, height = self._began
        now = self._monotonic()
        rate = (at - height) / max(0.001, now - began)
        if at >= self._last:
            log.info("caught_up", network=self._network, height=at, blocks_a_second=round(rate))
            self._began = None
        elif now - self._told_at >= _TELL_SECONDS:
            self._told_at = now
            log.info(
                "catching_up",
                network=self._network,
                first=self._first,
                last=self._last,
                height=at,
                percent=percent(self._first, at, self._last),
                seconds_left=round((self._last - at) / rate) if rate else None,
            )


def percent(first: int, at: int, last: int) -> int:
    """Answer how much of a range is done, in whole percent; 100 only when all of it is."""
    return min(100, max(0, 100 * (at - first) // max(1, last - first)))
