"""Several nodes as one: failover, health scores, back-off, and no node of a wrong chain."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from cloudpay.chains.adapter import NodeHealth
from cloudpay.chains.errors import NodeUnavailable, Unlinked, WrongChain
from cloudpay_evm.calls import CHAIN_ID, FIRST_BLOCK
from cloudpay_evm.errors import NodeFault, Refused
from cloudpay_evm.members import Member
from cloudpay_evm.node import Node
from cloudpay_evm.settings import EvmSettings
from cloudpay_evm.wire import number

Result = TypeVar("Result")


class Nodes:
    """Gives work to one node at a time, and goes on with the one that answered last."""

    def __init__(
        self, network: str, chain_id: int, nodes: Sequence[Node], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.clock = clock
        self.members = [Member(node) for node in nodes]
        self.first_block: str | None = None
        """The hash of block 0 as the nodes tell it; None where none of them still has it."""
        self._network, self._chain_id = network, chain_id
        self._current = self.members[0]
        self._lock = threading.Lock()

    @property
    def calls(self) -> int:
        """Calls made so far, each call of a batch counted."""
        return sum(member.node.calls for member in self.members)

    def run(self, work: Callable[[Node], Result]) -> Result:
        """Have one node do the whole of `work`, or after a fault another the whole of it again.

        Raises `NodeUnavailable`, or `WrongChain` when every node is on another chain.
        """
        reasons: list[str] = []
        for member in self._in_order():
            try:
                if not self._is_ours(member):
                    continue
                result = work(member.node)
            except (NodeFault, Refused) as fault:
                self._failed(member, fault)
                reasons.append(f"{member.node.name}: {fault.reason}")
                continue
            except Unlinked:
                self._answered(member)  # an answer, though not a welcome one
                raise
            self._answered(member)
            return result
        raise self._nobody(reasons)

    def ask_one(self, member: Member, work: Callable[[Node], Result]) -> Result | None:
        """Have this very node do something on the side, without preferring it; None when it is not able to."""
        try:
            if not self._is_ours(member):
                return None
            result = work(member.node)
        except (NodeFault, Refused) as fault:
            self._failed(member, fault)
            return None
        self._answered(member, current=False)
        return result

    def hand_round(self, work: Callable[[Node], bool]) -> list[str]:
        """Have one node after another do something until it says that this is enough; answers what went wrong."""
        reasons: list[str] = []
        for member in self._in_order():
            try:
                if not self._is_ours(member):
                    reasons.append(f"{member.node.name}: {member.last_error}")
                    continue
                enough = work(member.node)
            except (NodeFault, Refused) as fault:
                self._failed(member, fault)
                reasons.append(f"{member.node.name}: {fault.reason}")
                continue
            self._answered(member, current=False)
            if enough:
                return reasons
        return reasons or ["no node is asked now: each rests after a failure"]

    def run_beside(self, work: Callable[[Node], Result], avoid: Collection[str]) -> Result:
        """Have a node do all of `work` on the side, one that is not among `avoid` where any is able to.

        The node that is read does not rest when it fails at it. Raises `NodeUnavailable`.
        """
        reasons: list[str] = []
        for member in sorted(self._in_order(), key=lambda each: each.node.name in avoid):
            try:
                if not self._is_ours(member):
                    continue
                result = work(member.node)
            except (NodeFault, Refused) as fault:
                reasons.append(f"{member.node.name}: {fault.reason}")
                if member is not self._current:
                    self._failed(member, fault)
                continue
            self._answered(member, current=False)
            return result
        raise self._nobody(reasons)

    def check_all(self) -> list[Node]:
        """Ask every node, resting or not, for its chain, and answer those that are reachable.

        Raises `WrongChain` when any is on another chain, `NodeUnavailable` when none answers.
        """
        reasons: list[str] = []
        reachable: list[Node] = []
        self.first_block = None
        for member in self.members:
            member.checked, member.wrong_chain, member.disputed = False, None, None
            try:
                if self._is_ours(member):
                    self._answered(member, current=False)
                    reachable.append(member.node)
            except (NodeFault, Refused) as fault:
                self._failed(member, fault)
                reasons.append(f"{member.node.name}: {fault.reason}")
        for member in self.members:
            if member.wrong_chain is not None:
                raise self._wrong(member)
        if not reachable:
            raise NodeUnavailable(self._network, "; ".join(reasons))
        return reachable

    def member_of(self, node: Node) -> Member:
        """Answer what is written down of a node."""
        return next(each for each in self.members if each.node is node)

    def prefer(self, member: Member) -> None:
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

    def _in_order(self) -> list[Member]:
        """The one that answered last first, so that the head does not jump between nodes; then the healthiest.

        Those whose head is behind another's come last.
        """
        now = self.clock()
        with self._lock:
            usable = [each for each in self.members if each.usable(now)]
            return sorted(usable, key=self._rank)

    def _rank(self, member: Member) -> tuple[bool, bool, int]:
        return member.lagging is not None, member is not self._current, -round(member.score)

    def _is_ours(self, member: Member) -> bool:
        """Ask a node for its chain before its first work and after every failure: it may have been replaced."""
        if member.checked:
            return True
        found = number(member.node.ask(CHAIN_ID))
        if found != self._chain_id:
            reason = f"it is on chain {found}, not {self._chain_id}"
            with self._lock:
                member.astray(str(found), reason, self.clock())
            return False
        return self._begins_like_ours(member)

    def _begins_like_ours(self, member: Member) -> bool:
        """Hold a node's first block against the others': a chain id is only a number, and copied easily.

        A node that no longer keeps its first block, or refuses to tell it, is believed by its chain id alone.
        """
        told = member.node.try_all([FIRST_BLOCK])[0]
        first = None if told is None or isinstance(told, Refused) else told.hash
        with self._lock:
            if first is not None and self.first_block not in (None, first):
                reason = f"its first block is {first}, not {self.first_block} as that of the other nodes"
                member.astray(f"{self._chain_id} with the first block {first}", reason, self.clock())
                return False
            self.first_block = self.first_block or first
            member.checked, member.wrong_chain = True, None
        return True

    def _failed(self, member: Member, fault: NodeFault | Refused) -> None:
        with self._lock:
            member.failed(fault, self.clock())

    def _answered(self, member: Member, *, current: bool = True) -> None:
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

    def _wrong(self, member: Member) -> WrongChain:
        expected = str(self._chain_id)
        if member.wrong_chain is not None and member.wrong_chain.startswith(f"{expected} "):
            expected += f" with the first block {self.first_block}"
        return WrongChain(self._network, member.node.name, expected, member.wrong_chain or "unknown")


def _why_idle(member: Member) -> str:
    if member.disputed is not None:
        return f"is not believed: {member.disputed}"
    return f"rests after a failure ({member.last_error})"


def open_nodes(settings: EvmSettings, network: str) -> Nodes:
    """Open the configured nodes; no call is made yet."""
    seen: Counter[str] = Counter()
    nodes: list[Node] = []
    for url in settings.rpc_urls:
        host = urlsplit(url).netloc.rpartition("@")[2]
        seen[host] += 1
        name = host if seen[host] == 1 else f"{host} ({seen[host]})"
        nodes.append(Node(url, name, timeout=settings.timeout_seconds, batch_size=settings.batch_size))
    return Nodes(network, settings.chain_id, nodes)
