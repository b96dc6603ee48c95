"""How much a node lets one request ask for: learned from its refusals, tried anew now and then."""

from collections import Counter

_PATIENCE = 16
"""Requests that must work before a larger one is tried: limits change, but a refusal costs a call."""


class RangeSizes:
    """The size that works, by node, or by kind of call."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._sizes: dict[str, int] = {}
        self._worked: Counter[str] = Counter()

    def of(self, whose: str) -> int:
        """Answer the size to ask for."""
        return self._sizes.get(whose, self._start)

    def refused(self, whose: str, size: int) -> int:
        """Remember that this size was too much, and answer half of it."""
        self._worked[whose] = 0
        self._sizes[whose] = max(1, size // 2)
        return self._sizes[whose]

    def worked(self, whose: str) -> None:
        """Remember that one was answered."""
        self._worked[whose] += 1
        if self._worked[whose] >= _PATIENCE:
            self._worked[whose] = 0
            self._sizes[whose] = min(self._start, self.of(whose) * 2)
