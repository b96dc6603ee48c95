"""The nodes that are not being read: looked at now and then, so that one that is ahead, or disagrees, is noticed.

A node whose head stands still answers every question cheerfully; only its neighbours show that the chain goes on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic

from cloudpay.chains.adapter import Opinion
from cloudpay.chains.nodes.members import Member, NodeT
from cloudpay.chains.nodes.pool import NodePool
from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import BlockRef, Header

_EVERY = 60.0
"""Seconds between two looks at the others, while all is well."""
_SOON = 5.0
"""Seconds until a node that disagrees is asked again: it may only have been slower."""
_STILL_BLOCKS = 3
"""Usual times between two blocks after which a head that has not moved is held against the others'."""
_BEHIND = 30.0
"""Seconds' worth of blocks by which another node must be ahead to be preferred while ours still moves."""


class Standby(Generic[NodeT]):
    """Looks at the nodes beside the one that is read. Costs nothing where there is one node alone.

    `headers` asks a node for headers at heights, None for its newest; it answers None for what the node does not have.
    """

    def __init__(
        self,
        nodes: NodePool[NodeT],
        settings: NetworkSettings,
        headers: Callable[[NodeT, Sequence[int | None]], Sequence[Header | None]],
    ) -> None:
        self._nodes, self._headers = nodes, headers
        self._patience = max(_STILL_BLOCKS * settings.block_seconds, 2 * settings.poll_seconds)
        self._far = max(2, int(_BEHIND / settings.block_seconds))
        self._moved_at = self._looked_at = nodes.clock()
        self._height = -1

    def better_than(self, node: NodeT, latest: Header, final: BlockRef) -> NodeT | None:
        """Answer a node that is ahead of this one, which told these blocks; None while it will do."""
        now = self._nodes.clock()
        ours = self._nodes.member_of(node)
        ours.height = latest.height
        if latest.height > self._height:
            self._height, self._moved_at = latest.height, now
        stands = now - self._moved_at >= self._patience
        if len(self._nodes.members) == 1 or not self._is_time(now, stands=stands):
            return None
        self._looked_at = now
        self._look(ours, final)
        best = max(self._others(ours, now), key=lambda each: each.height or 0, default=None)
        if best is None or (best.height or 0) - latest.height < (1 if stands else self._far):
            self._compare(ours)
            return None
        self._nodes.prefer(best)
        self._moved_at = now
        self._compare(best, left=ours)
        return best.node

    def _compare(self, read: Member[NodeT], left: Member[NodeT] | None = None) -> None:
        """Write down which nodes are behind the one that is read, and that the one that was just left is."""
        for member in self._nodes.members:
            if member is read or member.in_a_row or member.height is None or read.height is None:
                member.lagging = None
            elif member is left or read.height - member.height >= self._far:
                member.fell_behind(
                    f"its head is block {member.height} while {read.node.name} has {read.height}"
                )
            else:
                member.lagging = None

    def second_opinions(self, blocks: Collection[BlockRef]) -> Mapping[BlockRef, Opinion]:
        """Ask every node that is not resting for its blocks at these heights; also those that were disputed before."""
        wanted = sorted(blocks)
        said: dict[BlockRef, list[str]] = {block: [] for block in wanted}
        now = self._nodes.clock()
        heights = [block.height for block in wanted]
        for member in self._nodes.members:
            if not wanted or member.rests_until > now:
                continue
            told = self._nodes.ask_one(member, lambda node: self._headers(node, heights))
            for block, found in zip(wanted, told or (), strict=False):
                if found is not None:
                    said[block].append(found.hash)
        return {block: _opinion(block, hashes) for block, hashes in said.items()}

    def agree_now(self, final: BlockRef) -> bool:
        """Ask the nodes that are not believed for the last final block; those that have it by now are read again.

        For when no other one answers: nothing else would ever ask them.
        """
        now = self._nodes.clock()
        doubted = [each for each in self._nodes.members if each.disputed and each.rests_until <= now]
        for member in doubted:
            told = self._nodes.ask_one(member, lambda node: self._headers(node, [final.height]))
            if told and told[0] is not None and told[0].ref == final:
                member.disputed = None
        return any(member.disputed is None for member in doubted)

    def _is_time(self, now: float, *, stands: bool) -> bool:
        if stands:
            return now - self._looked_at >= min(self._patience, _EVERY)
        disputed = any(each.disputed is not None for each in self._nodes.members)
        return now - self._looked_at >= (_SOON if disputed else _EVERY)

    def _look(self, ours: Member[NodeT], final: BlockRef) -> None:
        """Ask every other node for its head and for our final block; one that was astray may have come back."""
        now = self._nodes.clock()
        for member in self._nodes.members:
            if member is ours or member.rests_until > now:
                continue
            member.checked = False  # the look is also the time to ask for its chain again
            told = self._nodes.ask_one(member, lambda node: self._headers(node, [None, final.height]))
            if told is None:
                continue
            head, at_final = told
            if head is None:
                continue
            member.height = head.height
            member.disputed = _dispute(ours, final, at_final)
            if member.disputed is not None:
                member.last_error = member.disputed

    def _others(self, ours: Member[NodeT], now: float) -> list[Member[NodeT]]:
        return [each for each in self._nodes.members if each is not ours and each.usable(now)]


def _dispute(ours: Member[NodeT], final: BlockRef, told: Header | None) -> str | None:
    if told is None or told.hash == final.hash:
        return None
    return f"its block {final.height} is {told.hash}, while {ours.node.name} has {final.hash} as final"


def _opinion(block: BlockRef, hashes: Collection[str]) -> Opinion:
    if any(each != block.hash for each in hashes):
        return Opinion.DISPUTED
    enough = 2  # the one that told it, and another
    return Opinion.AGREED if len(hashes) >= enough else Opinion.UNHEARD
