"""What stands in a block that the chain still has, stands: one question for a block instead of one for each of many."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from cloudpay.chains.types import Head
from cloudpay.transactions.outcomes import FINAL, IN_BLOCK, next_look
from cloudpay.transactions.station import Station

_MANY = 5
"""Transactions in one block from which its header is asked for instead: a few are one batch with all the others."""


class Standing:
    """Holds the blocks that transactions were found in against those that the chain has at one round of looks."""

    def __init__(self, station: Station, head: Head) -> None:
        self._station, self._head = station, head
        self._hashes: dict[int, str] = {}

    def among(self, chunk: Sequence[Row[Any]]) -> frozenset[str]:
        """Answer which of these are still where they were found; of the others nothing is known yet."""
        placed = [row for row in chunk if row.status in IN_BLOCK and row.block_height is not None]
        crowd = Counter(row.block_height for row in placed)
        return frozenset(
            row.id
            for row in placed
            if self._is_asked(row.block_height, crowd) and self._hash_at(row.block_height) == row.block_hash
        )

    def may_hold(self, row: Row[Any]) -> bool:
        """Say whether the block that one was found in is not known to be replaced.

        Above the head no node has a header to tell.
        """
        height = row.block_height
        if height is None:
            return False
        return bool(height > self._head.latest.height or self._hash_at(height) == row.block_hash)

    def settles(self, row: Row[Any]) -> bool:
        """Say whether one that stands is final now and was not yet: its fee and its outcome are to be asked for."""
        return row.status not in FINAL and row.block_height <= self._head.final.height

    def next_looks(
        self, chunk: Sequence[Row[Any]], standing: Collection[str]
    ) -> Mapping[int | None, Sequence[str]]:
        """Answer when final ones that stand are looked at again, by that height."""
        found: defaultdict[int | None, list[str]] = defaultdict(list)
        depth = self._station.network.settings.confirmations
        for row in chunk:
            if row.id in standing and row.status in FINAL:
                found[next_look(depth, row.block_height, self._head.final.height)].append(row.id)
        return found

    def _is_asked(self, height: int, crowd: Mapping[int, int]) -> bool:
        within = height <= self._head.latest.height  # above it no node has a header to tell
        return within and (height in self._hashes or crowd[height] >= _MANY)

    def _hash_at(self, height: int) -> str:
        if height not in self._hashes:
            self._hashes[height] = self._station.adapter.header_at(height).hash
        return self._hashes[height]
