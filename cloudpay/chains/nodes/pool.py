"""Several nodes as one: failover, health scores, back-off, and no node of a wrong chain."""

import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

from cloudpay.chains.adapter import NodeHealth
from cloudpay.chains.errors import BlockPassed, NodeUnavailable, Unlinked, WrongChain
from cloudpay.chains.nodes.faults import NodeFault, NodeRefusal
from cloudpay.chains.nodes.members import Member, NodeT

Result = TypeVar("Result")


class NodePool(ABC, Generic[NodeT]):
    """Gives work to one node at a time, and goes on with the one that answered last."""

    chain_key: ClassVar[str] = ""
    """The key of a table that says which chain is meant; the sentence about a node on another chain names it."""

    def __init__(
        self, network: str, nodes: Sequence[NodeT], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.members = [Member(node) for node in nodes]
        self._network = network
        self._current = self.members[0]
        self._lock = threading.Lock()

    @property
    def calls(self) -> int:
        """Calls made so far, each call of a batch counted."""
        return sum(member.node.calls for member in self.members)

    def run(self, work: Callable[[NodeT], Result]) -> Result:
        """Have one node do the whole of `work`, or after a fault another the whole of it again.

        Raises `NodeUnavailable`, or `WrongChain` when every node is on another chain.
        """
        reasons: list[str] = []
        for member in self._in_order():
            try:
                if not self._is_ours(member):
                    continue
                result = work(member.node)
            except (NodeFault, NodeRefusal) as fault:
                self._failed(member, fault)
                reasons.append(_said(member, fault))
                continue
            except (Unlinked, BlockPassed):
                self._answered(member)  # an answer, though not a welcome one
                raise
            self._answered(member)
            return result
        raise self._nobody(reasons)

    def ask_one(self, member: Member[NodeT], work: Callable[[NodeT], Result]) -> Result | None:
        """Have this very node do something on the side, without preferring it; None when it is not able to."""
        try:
            if not self._is_ours(member):
                return None
            result = work(member.node)
        except (NodeFault, NodeRefusal) as fault:
            self._failed(member, fault)
            return None
        self._answered(member, current=False)
        return result

    def hand_round(self, work: Callable[[NodeT], bool]) -> list[str]:
        """Have one node after another do something until it says that this is enough; answers what went wrong."""
        reasons: list[str] = []
        for member in self._in_order():
            try:
                if not self._is_ours(member):
                    reasons.append(f"{member.node.name}: {member.last_error}")
                    continue
                enough = work(member.node)
            except (NodeFault, NodeRefusal) as fault:
                self._failed(member, fault)
                reasons.append(_said(member, fault))
                continue
            self._answered(member, current=False)
            if enough:
                return reasons
        return reasons or ["no node is asked now: each rests after a failure"]

    def run_beside(self, work: Callable[[NodeT], Result], avoid: Collection[str]) -> Result:
        """Have a node do all of `work` on the side, one that is not among `avoid` where any is able to.

        The node that is read does not rest when it fails at it. Raises `NodeUnavailable`.
        """
        reasons: list[str] = []
        for member in sorted(self._in_order(), key=lambda each: each.node.name in avoid):
            try:
                if not self._is_ours(member):
                    continue
                result = work(member.node)
            except (NodeFault, NodeRefusal) as fault:
                reasons.append(_said(member, fault))
                if member is not self._current:
                    self._failed(member, fault)
                continue
            self._answered(member, current=False)
            return result
        raise self._nobody(reasons)

    def check_all(self) -> list[NodeT]:
        """Ask every node, resting or not, for its chain, and answer those that are reachable.

        Raises `WrongChain` when any is on another chain, `NodeUnavailable` when none answers.
        """
        reasons: list[str] = []
        reachable: list[NodeT] = []
        self._forget()
        for member in self.members:
            member.checked, member.wrong_chain, member.disputed = False, None, None
            try:
                if self._is_ours(member):
                    self._answered(member, current=False)
                    reachable.append(member.node)
            except (NodeFault, NodeRefusal) as fault:
                self._failed(member, fault)
                reasons.append(_said(member, fault))
        for member in self.members:
            if member.wrong_chain is not None:
                raise self._wrong(member)
        if not reachable:
            raise NodeUnavailable(self._network, "; ".join(reasons))
        return reachable

    def rest(self, node: NodeT, fault: NodeFault) -> None:
        """Have a node rest that has done a part of its work: what came before the fault stands."""
        self._failed(self.member_of(node), fault)

    def member_of(self, node: NodeT) -> Member[NodeT]:
        """Answer what is written down of a node."""
        return next(each for each in self.members if each.node is node)

    def prefer(self, member: Member[NodeT]) -> None:
        """Give the next work to this node."""
        with self._lock:
            self._current = member

    def health(self) -> tuple[NodeHealth, ...]:
        """Answer how each node has been doing."""
        now = self.clock()
        return tuple(member.health(now) for member in self.members)

    def close(self) -> None:
        """Close every connection."""
        for member in self.members:
            member.node.close()

    def _in_order(self) -> list[Member[NodeT]]:
        """The one that answered last first, so that the head does not jump between nodes; then the healthiest.

        Those whose head is behind another's come last.
        """
        now = self.clock()
        with self._lock:
            usable = [each for each in self.members if each.usable(now)]
            return sorted(usable, key=self._rank)

    def _rank(self, member: Member[NodeT]) -> tuple[bool, bool, int]:
        return member.lagging is not None, member is not self._current, -round(member.score)

    @abstractmethod
    def _is_ours(self, member: Member[NodeT]) -> bool:
        """Ask a node for its chain before its first work and after every failure: it may have been replaced."""

    @abstractmethod
    def _expected(self, member: Member[NodeT]) -> str:
        """Say which chain a node should have been on that is `astray`."""

    def _forget(self) -> None:
        """Forget what nodes told of the chain, before all are asked anew."""

    def _failed(self, member: Member[NodeT], fault: NodeFault | NodeRefusal) -> None:
        with self._lock:
            member.failed(fault, self.clock())

    def _answered(self, member: Member[NodeT], *, current: bool = True) -> None:
        with self._lock:
            member.answered()
            if current:
                self._current = member

    def _nobody(self, reasons: Sequence[str]) -> NodeUnavailable | WrongChain:
        astray = [member for member in self.members if member.wrong_chain is not None]
        if len(astray) == len(self.members):
            return self._wrong(astray[0])
        now = self.clock()
        idle = [each for each in self.members if each.wrong_chain is None and not each.usable(now)]
        said = [*reasons] or [f"{each.node.name} {_why_idle(each)}" for each in idle]
        return NodeUnavailable(self._network, "; ".join(said))

    def _wrong(self, member: Member[NodeT]) -> WrongChain:
        return WrongChain(
            self._network,
            member.node.name,
            self._expected(member),
            member.wrong_chain or "unknown",
            key=self.chain_key,
        )


def _said(member: Member[NodeT], fault: NodeFault | NodeRefusal) -> str:
    return f"{member.node.name}: {member.node.veil.over(fault.reason)}"


def _why_idle(member: Member[NodeT]) -> str:
    if member.disputed is not None:
        return f"is not believed: {member.disputed}"
    return f"rests after a failure ({member.last_error})"


def named(urls: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Answer each address with a name of its own: its host, without user and path, which may hold an API key."""
    seen: Counter[str] = Counter()
    for url in urls:
        host = urlsplit(url).netloc.rpartition("@")[2]
        seen[host] += 1
        yield url, host if seen[host] == 1 else f"{host} ({seen[host]})"
