"""How many calls of a kind a node answers in one request: learned from what fails, tried anew now and then."""

from collections.abc import Sequence
from typing import Any

from cloudpay.chains.nodes.ranges import RangeSizes
from cloudpay_evm.calls import Call


class BatchSizes:
    """The sizes that work at one node. A kind that is light goes on in large batches where a heavy one cannot."""

    def __init__(self, start: int) -> None:
        self._start, self._sizes = start, RangeSizes(start)

    def first_of(self, calls: Sequence[Call[Any]]) -> Sequence[Call[Any]]:
        """Answer those of the calls, from the first on, that go into one request."""
        size, taken = self._start, 0
        for call in calls[: self._start]:
            size = min(size, self._sizes.of(call.kind))
            if taken >= size:
                break
            taken += 1
        return calls[:taken]

    def failed(self, batch: Sequence[Call[Any]]) -> None:
        """Remember that a batch was too much in one."""
        for kind in {call.kind for call in batch}:
            self._sizes.refused(kind, len(batch))

    def worked(self, batch: Sequence[Call[Any]], *, easily: bool) -> None:
        """Remember that a batch was answered, and whether there is time for one of twice its size."""
        for kind in {call.kind for call in batch}:
            if easily and len(batch) >= self._sizes.of(kind):
                self._sizes.worked(kind)

    def share(self, limit: int, kinds: Sequence[str]) -> int:
        """Answer that part of a limit which takes as many requests of these kinds as all of it does at first."""
        size = min(self._sizes.of(kind) for kind in kinds)
        return max(1, limit * size // self._start)
