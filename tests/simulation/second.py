"""The other node of a network: what is asked of it a second time, and how it may be wrong."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from cloudpay.chains.adapter import Opinion, Reading
from cloudpay.chains.types import BlockRef, Transfer, TransferSource
from cloudpay.testing import FakeChain
from tests.simulation.lies import READING_LIES, one_log
from tests.simulation.truth import Group

FIRST, SECOND = "fake node", "second node"
"""The node that is read, and the other one."""

SECOND_LIES = ("leaves one out", "leaves one out", "disputes", "is away", *READING_LIES)


class LeftOut(NamedTuple):
    """A transfer that a node left out of a right answer, so that nobody can notice."""

    tx_id: str
    address: str
    asset: str
    block: str

    @property
    def group(self) -> Group:
        """The like transfers of its transaction."""
        return self.tx_id, self.address, self.asset


@dataclass(frozen=True)
class Again:
    """A second reading as it was served; `missing` are the groups of which it told nothing at all."""

    node: str
    first: int
    last: int
    missing: frozenset[Group]


def left_out(transfers: Iterable[Transfer]) -> set[LeftOut]:
    """Name transfers as left out."""
    return {LeftOut(each.tx_id, each.recipient, each.contract or "", each.block.hash) for each in transfers}


class SecondNode:
    """Answers for the other node; `lie` is what is wrong with it now, empty for nothing."""

    def __init__(self) -> None:
        self.lie = ""
        self.opinions: dict[str, Opinion] = {}
        """What was said last of each block that was asked for."""

    def opinion(self, chain: FakeChain, block: BlockRef) -> Opinion:
        """Say whether both nodes have a block."""
        said = self._opinion(chain, block)
        self.opinions[block.hash] = said
        return said

    def _opinion(self, chain: FakeChain, block: BlockRef) -> Opinion:
        if self.lie == "is away" or block.height > chain.height:
            return Opinion.UNHEARD
        if self.lie == "disputes":
            return Opinion.DISPUTED
        return Opinion.AGREED if chain._ledger.block(block) is not None else Opinion.DISPUTED

    def who_reads(self, avoid: Collection[str]) -> str:
        """Answer which node reads again: one that is not to be avoided, where there is one."""
        there = [FIRST] if self.lie == "is away" else [FIRST, SECOND]
        return next((each for each in there if each not in avoid), there[0])

    def kept(self, transfers: Sequence[Transfer], rng: Random) -> tuple[Transfer, ...]:
        """Answer what this node tells of these logs."""
        dropped = one_log(transfers, rng) if self.lie == "leaves one out" else None
        return tuple(each for each in transfers if each != dropped)

    def distorted(self, reading: Reading, rng: Random) -> Reading:
        """Answer a second reading as it is told."""
        lie = READING_LIES.get(self.lie)
        return reading if lie is None else lie(replace(reading, node=SECOND), rng)


def groups_of(transfers: Iterable[Transfer]) -> frozenset[Group]:
    """Answer the groups of the logs among these."""
    return frozenset(
        (each.tx_id, each.recipient, each.contract or "")
        for each in transfers
        if each.source is TransferSource.LOG
    )
