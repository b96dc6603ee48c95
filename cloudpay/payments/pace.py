"""How long to wait for the next look: a block is met soon after it is made, and a node is asked little in between."""

import time
from collections import deque
from collections.abc import Callable

from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import Header

_REMEMBERED = 16
_FEW = 4  # blocks from which on their own pace says more than the settings
_OVERDUE = 3  # block times without a block, after which nothing is expected any more
_SHORTEST, _LONGEST = 0.25, 1.0


class Pace:
    """Remembers when new heads were met, and answers when it is worth to look again."""

    def __init__(self, settings: NetworkSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._monotonic = settings, monotonic
        self._met: deque[Header] = deque(maxlen=_REMEMBERED)
        self._met_at = 0.0

    def meet(self, head: Header) -> None:
        """Take note of the head that a look has shown."""
        if self._met and self._met[-1].hash == head.hash:
            return
        self._met.append(head)
        self._met_at = self._monotonic()

    def wait(self) -> float:
        """Answer the seconds until the next look: `poll_seconds` at most, `notice_seconds` while a block is due."""
        longest, short = self._settings.poll_seconds, self._notice_seconds()
        if not self._met:
            return longest
        between = self._block_seconds()
        due = self._met_at + between - self._monotonic()
        if due < -_OVERDUE * between:
            return longest
        return min(longest, max(short, due - short / 2))

    def _notice_seconds(self) -> float:
        told = self._settings.notice_seconds
        return told or min(_LONGEST, max(_SHORTEST, self._settings.block_seconds / 4))

    def _block_seconds(self) -> float:
        """Answer what the settings say, or less where blocks came faster; their times are whole seconds."""
        told = self._settings.block_seconds
        first, last = self._met[0], self._met[-1]
        blocks, seconds = last.height - first.height, last.time - first.time
        return min(told, seconds / blocks) if blocks >= _FEW and seconds > 0 else told
