"""Several nodes as one: failover, health scores, back-off, and no node of a wrong chain."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from cloudpay.chains.adapter import NodeHealth
from cloudpay.chains.errors import NodeUnavailable, Unlinked, WrongChain
from cloudpay_evm.calls import CHAIN_ID
from cloudpay_evm.errors import BlockVanished, NodeFault, Refused
from cloudpay_evm.node import Node
from cloudpay_evm.settings import EvmSettings
from cloudpay_evm.wire import number

Result = TypeVar("Result")

_FIRST_REST, _LONGEST_REST, _LONGEST_RETRY_AFTER = 0.5, 15.0, 600.0


@dataclass
class Member:
    """One node and how it has been doing; `wrong_chain` is the id of the chain that it serves instead of ours."""

    node: Node
    score: float = 100.0
    failures: int = 0
    in_a_row: int = 0
    last_error: str | None = None
    rests_until: float = 0.0
    checked: bool = False
    wrong_chain: str | None = None


class Nodes:
    """Gives work to one node at a time, and goes on with the one that answered last."""

    def __init__(
        self, network: str, chain_id: int, nodes: Sequence[Node], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._network, self._chain_id, self._clock = network, chain_id, clock
        self._members = [Member(node) for node in nodes]
        self._current = self._members[0]
        self._lock = threading.Lock()

    @property
    def calls(self) -> int:
        """Calls made so far, each call of a batch counted."""
        return sum(member.node.calls for member in self._members)

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

    def check_all(self) -> list[Node]:
        """Ask every node, resting or not, for its chain, and answer those that are reachable.

        Raises `WrongChain` when any is on another chain, `NodeUnavailable` when none answers.
        """
        reasons: list[str] = []
        reachable: list[Node] = []
        for member in self._members:
            member.checked, member.wrong_chain = False, None
            try:
                if self._is_ours(member):
                    self._answered(member, current=False)
                    reachable.append(member.node)
            except (NodeFault, Refused) as fault:
                self._failed(member, fault)
                reasons.append(f"{member.node.name}: {fault.reason}")
        for member in self._members:
            if member.wrong_chain is not None:
                raise self._wrong(member)
        if not reachable:
            raise NodeUnavailable(self._network, "; ".join(reasons))
        return reachable

    def health(self) -> tuple[NodeHealth, ...]:
        """Answer how each node has been doing."""
        return tuple(
            NodeHealth(member.node.name, round(member.score), member.failures, member.last_error)
            for member in self._members
        )

    def close(self) -> None:
        """Close every connection."""
        for member in self._members:
            member.node.close()

    def _in_order(self) -> list[Member]:
        """The one that answered last first, so that the head does not jump between nodes; then the healthiest."""
        now = self._clock()
        with self._lock:
            usable = [each for each in self._members if each.wrong_chain is None and each.rests_until <= now]
            return sorted(usable, key=lambda each: (each is not self._current, -round(each.score)))

    def _is_ours(self, member: Member) -> bool:
        """Ask a node for its chain before its first work and after every failure: it may have been replaced."""
        if member.checked:
            return True
        found = number(member.node.ask(CHAIN_ID))
        if found == self._chain_id:
            member.checked = True
            return True
        with self._lock:
            member.wrong_chain, member.score = str(found), 0.0
            member.last_error = f"it is on chain {found}, not {self._chain_id}"
        return False

    def _failed(self, member: Member, fault: NodeFault | Refused) -> None:
        with self._lock:
            member.last_error = fault.reason
            if isinstance(fault, BlockVanished):
                return  # the chain moved; the node did nothing wrong
            member.failures += 1
            member.in_a_row += 1
            member.score /= 2
            member.checked = False
            jitter = random.uniform(0.75, 1)  # noqa: S311  # no secret
            rest = jitter * min(_LONGEST_REST, _FIRST_REST * 2 ** min(member.in_a_row - 1, 10))
            asked = fault.retry_after if isinstance(fault, NodeFault) else None
            member.rests_until = self._clock() + max(rest, min(asked or 0.0, _LONGEST_RETRY_AFTER))

    def _answered(self, member: Member, *, current: bool = True) -> None:
        with self._lock:
            member.in_a_row, member.rests_until = 0, 0.0
            member.score += (100 - member.score) / 4
            if current:
                self._current = member

    def _nobody(self, reasons: Sequence[str]) -> NodeUnavailable | WrongChain:
        astray = [member for member in self._members if member.wrong_chain is not None]
        if len(astray) == len(self._members):
            return self._wrong(astray[0])
        resting = [
            each for each in self._members if each.wrong_chain is None and each.rests_until > self._clock()
        ]
        said = [*reasons] or [
            f"{each.node.name} rests after a failure ({each.last_error})" for each in resting
        ]
        return NodeUnavailable(self._network, "; ".join(said))

    def _wrong(self, member: Member) -> WrongChain:
        return WrongChain(
            self._network, member.node.name, str(self._chain_id), member.wrong_chain or "unknown"
        )


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
