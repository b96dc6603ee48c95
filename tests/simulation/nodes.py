"""The node of one network as the watcher meets it: mostly honest, and lying, late or away when the run says so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any, Protocol

from cloudpay.chains.adapter import NodeHealth
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

PAGE_LIES = (
    "cut", "unlinked", "twice", "shuffled", "foreign", "gap", "backwards", "sparse", "loose",
)  # fmt: skip
"""What may be wrong with a page; the watcher must see through each, or not be misled by it."""


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
    """What is wrong with the node now."""

    fails: float = 0.0
    """Share of calls that fail."""
    pages: str = ""
    other_fork: bool = False
    hides: bool = False
    """Whether it leaves transfers out and nobody can notice: a rescan must find them."""


class Node:
    """A chain adapter over the run's fake chain."""

    def __init__(self, network: str, settings: NetworkSettings) -> None:
        self.network, self.settings = network, settings
        self.faults = Faults()
        self.heads: list[tuple[datetime, Head]] = []
        """The heads that it told, and when."""
        self.hidden: set[tuple[str, str, str]] = set()
        """(transaction, recipient, asset) of what it left out unnoticed."""
        self.chain = FakeChain(network, settings)
        self._run: Surroundings | None = None

    def attach(self, run: Surroundings, chain: FakeChain) -> None:
        """Serve the chain of another run, honestly at first."""
        chain.settings = self.settings
        self._run, self.chain = run, chain
        self.faults, self.heads, self.hidden = Faults(), [], set()

    @property
    def capabilities(self) -> Capability:
        """What the chain can do."""
        return self.chain.capabilities

    def verify(self) -> None:
        """Hold the node against the configuration."""
        self._call("verify")
        self.chain.verify()

    def head(self) -> Head:
        """Answer the head; of another fork, when it lies."""
        self._call("head")
        head = self.chain.head()
        if self.faults.other_fork and self._rng.random() < 0.7:
            head = self._of_another_fork(head)
            self.heads.append((self._surroundings.now, head))
            return head
        self.heads.append((self._surroundings.now, head))
        self._surroundings.told(self.network, head)
        return head

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        """Answer a page, changed by what is wrong with the node."""
        self._call("scan")
        page = self._distorted(self.chain.scan(after, limit, watch))
        self._call("scanned")
        return page

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

    def _of_another_fork(self, head: Head) -> Head:
        """A head that is far ahead, or whose final block is another one at a height that we have read."""
        ahead = self._rng.choice([0, 2, 20])
        latest = Header(
            head.latest.height + ahead, f"0xfork{head.latest.height}", "0xfork", head.latest.time + ahead
        )
        back = self._rng.choice([0, 1, 5])
        return replace(head, latest=latest, final=BlockRef(max(0, latest.height - back), "0xfinal-of-a-fork"))

    def _distorted(self, page: Page) -> Page:
        if self.faults.hides and page.transfers and self._rng.random() < 0.7:
            page = self._without_transfers(page)
        if self.faults.pages and page.headers and self._rng.random() < 0.7:
            page = getattr(self, f"_{self.faults.pages}")(page)
        return page

    def _without_transfers(self, page: Page) -> Page:
        only_logs = self._rng.random() < 0.5
        kept = tuple(each for each in page.transfers if only_logs and each.source is not TransferSource.LOG)
        for each in set(page.transfers) - set(kept):
            self.hidden.add((each.tx_id, each.recipient, each.contract or ""))
        return replace(page, transfers=kept)

    def _cut(self, page: Page) -> Page:
        headers = page.headers[: self._rng.randint(0, len(page.headers))]
        return _only(page, headers)

    def _unlinked(self, page: Page) -> Page:
        at = self._rng.randrange(len(page.headers))
        headers = list(page.headers)
        headers[at] = replace(headers[at], parent="0xno-parent")
        return replace(page, headers=tuple(headers))

    def _twice(self, page: Page) -> Page:
        return replace(page, transfers=page.transfers * 2)

    def _shuffled(self, page: Page) -> Page:
        mixed = list(page.transfers)
        self._rng.shuffle(mixed)
        return replace(page, transfers=tuple(mixed))

    def _foreign(self, page: Page) -> Page:
        if not page.transfers:
            return page
        mixed: list[Transfer] = list(page.transfers)
        at = self._rng.randrange(len(mixed))
        mixed[at] = replace(mixed[at], block=BlockRef(mixed[at].block.height, "0xno-block"))
        return replace(page, transfers=tuple(mixed))

    def _gap(self, page: Page) -> Page:
        at = self._rng.randrange(len(page.headers))
        return _only(page, page.headers[:at] + page.headers[at + 1 :])

    def _backwards(self, page: Page) -> Page:
        return replace(page, headers=page.headers[::-1])

    def _sparse(self, page: Page) -> Page:
        """Leave out headers without transfers, as a range below the final block may: no lie."""
        final = self.chain.head().final.height
        return self._loose(page) if page.headers[-1].height <= final else page

    def _loose(self, page: Page) -> Page:
        """Leave them out wherever the page lies: above the final block nothing links it then."""
        told = {each.block for each in page.transfers}
        kept = tuple(each for each in page.headers[:-1] if each.ref in told)
        return replace(page, headers=(*kept, page.headers[-1]), linked=False)


def _only(page: Page, headers: tuple[Header, ...]) -> Page:
    told = {each.ref for each in headers}
    return replace(
        page, headers=headers, transfers=tuple(each for each in page.transfers if each.block in told)
    )
