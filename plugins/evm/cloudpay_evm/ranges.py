"""How many blocks a node lets one eth_getLogs ask for: learned from its refusals, tried anew now and then."""

from collections import Counter

_PATIENCE = 16
"""Ranges that must work before a larger one is tried: limits change, but a refusal costs a call."""


class RangeSizes:
    """The size that works, by node."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._sizes: dict[str, int] = {}
        self._worked: Counter[str] = Counter()

    def of(self, node: str) -> int:
        """Answer the size to ask for."""
        return self._sizes.get(node, self._start)

    def refused(self, node: str, size: int) -> int:
        """Remember that this size was too much, and answer half of it."""
        self._worked[node] = 0
        self._sizes[node] = max(1, size // 2)
        return self._sizes[node]

    def worked(self, node: str) -> None:
        """Remember that a range was answered."""
        self._worked[node] += 1
        if self._worked[node] >= _PATIENCE:
            self._worked[node] = 0
            self._sizes[node] = min(self._start, self.of(node) * 2)
