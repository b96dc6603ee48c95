"""The nodes of one network as the watcher meets them: mostly honest, and lying, late or away when the run says so."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any, Protocol

from cloudpay.chains.adapter import NodeHealth, Opinion, Reading
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import (
    BlockRef,
    Capability,
    Head,
    Header,
    Holding,
    Page,
    PendingTransfer,
    Statuses,
    Transfer,
    TransferSource,
    Watch,
)
from cloudpay.testing import FakeChain
from tests.simulation.lies import PAGE_LIES, of_another_fork, one_log
from tests.simulation.second import FIRST, Again, LeftOut, SecondNode, groups_of, left_out
from tests.simulation.truth import Group


class Surroundings(Protocol):
    """What a node needs of the run."""

    rng: Random

    @property
    def now(self) -> datetime:
        """The time."""
        ...

    def boundary(self, where: str) -> None:
        """Pass a place where anything may happen."""
        ...

    def told(self, code: str, head: Head) -> None:
        """Hear of a true head that the watcher was told."""
        ...


@dataclass
class Faults:
    """What is wrong with the node that is read, now."""

    fails: float = 0.0
    """Share of calls that fail."""
    pages: str = ""
    other_fork: bool = False
    hides: bool = False
    """Whether it leaves transfers out and nobody can notice: only reading again can find them."""
    omits: bool = False
    """Whether it leaves one log out of an answer that is right otherwise."""


class Node:
    """A chain adapter over the run's fake chain, with two nodes behind it."""

    def __init__(self, network: str, settings: NetworkSettings) -> None:
        self.network, self.settings = network, settings
        self.chain = FakeChain(network, settings)
        self._run: Surroundings | None = None
        self._begin()

    def attach(self, run: Surroundings, chain: FakeChain) -> None:
        """Serve the chain of another run, honestly at first."""
        chain.settings = self.settings
        self._run, self.chain = run, chain
        self._begin()

    def _begin(self) -> None:
        self.faults, self.second = Faults(), SecondNode()
        self.heads: list[tuple[datetime, Head]] = []
        """The heads that were told, and when."""
        self._tips: list[tuple[datetime, str]] = []
        """The blocks that pages ended with, and when."""
        self.hidden: set[LeftOut] = set()
        """What the first node left out, unnoticed."""
        self._lacking: set[Transfer] = set()
        """The same, exactly: what the first node does not know as long as it lies."""
        self.hidden_twice: set[Group] = set()
        """Groups of which the second reading left something out, too, though it was asked of the right node."""
        self.shown_in_part: set[Group] = set()
        """Groups of which a node told some and not all."""
        self.readings: list[Again] = []
        self._looks: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """The blocks at which the balance of each address was told, with their own times."""

    @property
    def capabilities(self) -> Capability:
        """What the chain can do."""
        return self.chain.capabilities

    @property
    def opinions(self) -> Mapping[str, Opinion]:
        """What was said last of each block that a second opinion was asked of."""
        return self.second.opinions

    def be_honest(self) -> None:
        """Answer truly, from both nodes."""
        self.faults, self.second.lie = Faults(), ""

    def looked_at(self, address: str, made: datetime, since: datetime) -> bool:
        """Say whether all that may lie at an address that was made then was known at a block that was newest later.

        Without HISTORY what is newest holds what waits, too: there it was known at a block that was made later.
        """
        if Capability.HISTORY not in self.capabilities:
            return any(time > since.timestamp() for time in self._looks[address].values())
        heads = [(at, head.latest.hash) for at, head in self.heads]
        newest = {block for at, block in heads if at >= since}
        # A page may end beyond the head that was told before it, or on another fork: then that is the newest block.
        ends = {block for at, block in self._tips if at >= since}
        # A block older than the address holds nothing of it: it needs no look, however long it stays the newest.
        older = {block for at, block in (*heads, *self._tips) if at <= made}
        return not (newest | ends).isdisjoint(self._looks[address]) or not older.isdisjoint(newest)

    def verify(self) -> None:
        """Hold the node against the configuration."""
        self._call("verify")
        self.chain.verify()

    def head(self) -> Head:
        """Answer the head; of another fork, when it lies."""
        self._call("head")
        head = self.chain.head()
        if self.faults.other_fork and self._rng.random() < 0.7:
            head = of_another_fork(head, self._rng)
            self.heads.append((self._surroundings.now, head))
            return head
        self.heads.append((self._surroundings.now, head))
        self._surroundings.told(self.network, head)
        return head

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        """Answer a page, changed by what is wrong with the node."""
        self._call("scan")
        page = self._distorted(self.chain.scan(after, limit, watch))
        self._tips.extend((self._surroundings.now, each.hash) for each in page.headers[-1:])
        self._call("scanned")
        return page

    def read_again(self, first: int, last: int, watch: Watch, avoid: Collection[str]) -> Reading:
        """Answer final blocks again, from the node that is not to be avoided, as far as it knows them."""
        self._call("read_again")
        told = self.chain.read_again(first, last, watch, avoid)
        node = self.second.who_reads(avoid)
        if node == FIRST:
            lacking = self._lacking if self.faults.hides or self.faults.omits else set()
            kept = tuple(each for each in told.transfers if each not in lacking)
        else:
            kept = self.second.kept(told.transfers, self._rng)
        dropped = groups_of(set(told.transfers) - set(kept))
        self.shown_in_part |= dropped & groups_of(kept)
        if node != FIRST or avoid:  # else it was asked to tell again itself what it had told
            self.hidden_twice |= dropped
        reading = Reading(node, told.last, kept)
        if node != FIRST:
            reading = self.second.distorted(reading, self._rng)
        self.readings.append(Again(node, first, reading.last.height, dropped - groups_of(kept)))
        self._call("read_again_done")
        return reading

    def second_opinions(self, blocks: Collection[BlockRef]) -> Mapping[BlockRef, Opinion]:
        """Answer which blocks both nodes have."""
        self._surroundings.boundary(f"node.{self.network}.second_opinions")
        return {block: self.second.opinion(self.chain, block) for block in sorted(blocks)}

    def header_at(self, height: int) -> Header:
        """Answer a header."""
        self._call("header_at")
        return self.chain.header_at(height)

    def pending(self, watch: Watch) -> tuple[PendingTransfer, ...]:
        """Answer what waits."""
        self._call("pending")
        return self.chain.pending(watch)

    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Answer balances."""
        self._call("balances")
        found = self.chain.balances(holdings, at)
        for each in found:
            self._looks[each.address][at.hash] = self.chain.header_at(at.height).time
        self._call("balanced")
        return found

    def statuses(self, tx_ids: Iterable[str]) -> Statuses:
        """Answer what became of transactions."""
        self._call("statuses")
        return self.chain.statuses(tx_ids)

    def health(self) -> tuple[NodeHealth, ...]:
        """Answer how the node is doing."""
        return self.chain.health()

    def close(self) -> None:
        """Stay: a chain outlives its connections."""

    def __getattr__(self, name: str) -> Any:
        """Leave what the seam may get besides to the chain."""
        return getattr(self.chain, name)

    @property
    def _surroundings(self) -> Surroundings:
        assert self._run is not None
        return self._run

    @property
    def _rng(self) -> Random:
        return self._surroundings.rng

    def _call(self, name: str) -> None:
        self._surroundings.boundary(f"node.{self.network}.{name}")
        if self.faults.fails and self._rng.random() < self.faults.fails:
            raise NodeUnavailable(self.network, self._rng.choice(["timed out", "429", "cut JSON", "503"]))

    def _distorted(self, page: Page) -> Page:
        if self.faults.hides and page.transfers and self._rng.random() < 0.7:
            page = self._without_transfers(page)
        if self.faults.omits and page.transfers:
            page = self._without_one(page)
        if self.faults.pages and page.headers and self._rng.random() < 0.7:
            page = PAGE_LIES[self.faults.pages](page, self.chain.head().final.height, self._rng)
        return page

    def _without_transfers(self, page: Page) -> Page:
        only_logs = self._rng.random() < 0.5
        kept = tuple(each for each in page.transfers if only_logs and each.source is not TransferSource.LOG)
        self._leave_out(set(page.transfers) - set(kept))
        return replace(page, transfers=kept)

    def _without_one(self, page: Page) -> Page:
        """Leave a log out; what was left out once is not known the next time either."""
        chosen = one_log(page.transfers, self._rng)
        dropped = self._lacking & set(page.transfers) or ({chosen} if chosen else set())
        kept = tuple(each for each in page.transfers if each not in dropped)
        self._leave_out(dropped)
        self.shown_in_part |= groups_of(dropped) & groups_of(kept)
        return replace(page, transfers=kept)

    def _leave_out(self, dropped: set[Transfer]) -> None:
        self._lacking |= dropped
        self.hidden |= left_out(dropped)
