"""Which nodes tell of the TRX that contracts send, by what they have told: nothing else at a node says so."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloudpay.chains.errors import NodeUnavailable, UnusableTable
from cloudpay.chains.nodes.faults import AskedTooOften
from cloudpay_tron import calls
from cloudpay_tron.node import Node
from cloudpay_tron.nodes import Nodes
from cloudpay_tron.wire import Info

_LOOKED_THROUGH = 10
"""Blocks in which a node's internal transactions are looked for at the start."""
_MANY_CALLS = 200
"""Calls of contracts among which some must have sent TRX: on the main net, a block has about as many."""


@dataclass
class _Told:
    """What a node has told since it last failed: nothing so far, and of how many calls nothing but them."""

    failures: int
    shown: bool = False
    calls: int = 0


class Internals:
    """Says of each page whether what contracts sent is in it, and of each node whether it keeps that to itself."""

    def __init__(self, nodes: Nodes, network: str) -> None:
        self._nodes, self._network = nodes, network
        self._told: dict[str, _Told] = {}

    def require(self, reachable: Iterable[Node]) -> None:
        """Look for internal transactions at nodes; one that does not answer is judged by its pages, when it is read.

        Raises `UnusableTable` where one hides them, `NodeUnavailable` where none answers.
        """
        hiding: list[str] = []
        silent: list[str] = []
        answering = False
        for node in reachable:
            member = self._nodes.member_of(node)
            hides = self._nodes.ask_one(member, hides_internals)
            answering |= hides is not None
            if hides is None:
                silent.append(f"{node.name}: {member.last_error}")
            elif hides:
                hiding.append(node.name)
        if hiding:
            what = (
                f"{', '.join(hiding)} tells no internal transactions, so that TRX from contracts would be missed: "
                "set vm.saveInternalTx there, use other nodes, or set internal_transfers = false"
            )
            raise UnusableTable(self._network, what)
        if not answering:
            raise NodeUnavailable(self._network, "; ".join(silent))

    def are_told(self, node: Node, results: Sequence[Info]) -> bool:
        """Say whether a page with these results has all that contracts sent.

        It has where no contract ran in it, or where its node has told of something that one did since it last failed:
        it may have been replaced at any failure. Where a node has not, the page may lack what a balance still shows.
        """
        told = self._of(node)
        ran = sum(bool(info.receipt.result) for info in results)
        told.shown |= any(info.internal for info in results)
        told.calls = 0 if told.shown else told.calls + ran
        return told.shown or ran == 0

    def leave_what_hides(self, node: Node) -> None:
        """Have another node read from now on where this one tells of many calls and of nothing that they have sent."""
        if not self._hides(node):
            return
        now = self._nodes.clock()
        for member in self._nodes.members:
            if member.checked and member.usable(now) and not self._hides(member.node):
                self._nodes.prefer(member)
                return

    def _hides(self, node: Node) -> bool:
        told = self._of(node)
        return not told.shown and told.calls >= _MANY_CALLS

    def _of(self, node: Node) -> _Told:
        failures = self._nodes.member_of(node).failures
        told = self._told.get(node.name)
        if told is None or told.failures != failures:
            told = self._told[node.name] = _Told(failures)
        return told


def hides_internals(node: Node) -> bool:
    """Say whether a node tells of many calls of contracts, and of nothing that they have sent."""
    head = node.required().height
    first = max(1, head - _LOOKED_THROUGH + 1)
    ran = 0
    for height in range(first, head + 1):
        try:
            infos = node.ask(calls.infos(height))
        except AskedTooOften:
            if height == first:
                raise
            break  # what was seen has to do; its pages show the rest
        if any(info.internal for info in infos):
            return False
        ran += sum(bool(info.receipt.result) for info in infos)
    return ran >= _MANY_CALLS
