"""Whether traces are asked for: while nodes give them, and not for a while where none that answers does."""

from collections.abc import Callable, Iterable

from cloudpay.chains.errors import NodeUnavailable, UnusableTable
from cloudpay.chains.types import Page
from cloudpay_evm.errors import CannotTrace, NodeFault, Refused, TraceFault
from cloudpay_evm.lookups import required_block
from cloudpay_evm.node import Node
from cloudpay_evm.nodes import Nodes
from cloudpay_evm.settings import EvmSettings
from cloudpay_evm.traces import Tracer, find_tracer

_AGAIN = 600.0
"""Seconds after which nodes that stopped tracing are asked whether they do again."""
_FAULTS = 6
"""Pages in a row that fail for their traces alone, after which they are done without.

A batch of 20 is one call by then (`cloudpay_evm.batches`).
"""


class Tracing:
    """How each node traces. `promised` says whether all money that contracts send is in the pages that are read."""

    def __init__(self, nodes: Nodes, settings: EvmSettings, network: str) -> None:
        self._nodes, self._network = nodes, network
        self._required = settings.traces == "on"
        self.promised = self._required and settings.watch_native
        self._tracers: dict[str, Tracer | None] = {}
        self._not_until: float | None = None
        self._faults = 0

    def find(self, nodes: Iterable[Node]) -> None:
        """Find out how these nodes trace; raises `UnusableTable` where traces are required, and not all do."""
        self._tracers.clear()
        for node in nodes:
            try:
                self._tracers[node.name] = find_tracer(node, required_block(node, "latest").ref)
            except (NodeFault, Refused):
                continue  # it is tried again when it is next asked for a page
        self.promised = bool(self._tracers) and all(self._tracers.values())
        if self._required and not self.promised:
            names = ", ".join(name for name, tracer in self._tracers.items() if tracer is None) or "no node"
            what = f'traces = "on", but of its nodes {names} cannot trace; use others, or set "auto"'
            raise UnusableTable(self._network, what)

    def of(self, node: Node) -> Tracer | None:
        """How a node is asked for traces; while they are promised, a node that was down at first is tried now."""
        if not self.promised:
            return None
        if node.name not in self._tracers:
            self._tracers[node.name] = find_tracer(node, required_block(node, "latest").ref)
        tracer = self._tracers[node.name]
        if tracer is None:
            raise CannotTrace
        return tracer

    def read(self, page: Callable[[Node], Page]) -> Page:
        """Read a page, and do without traces from the next one on where no node that answers gives them any more.

        Also where none gives those of one page, again and again: one block that cannot be traced would else hold up
        tokens, too. Balances find what traces would have: better a look at those than a network that stands still.
        """
        now = self._nodes.clock()
        if self._not_until is not None and now >= self._not_until:
            self.find(each.node for each in self._nodes.members if each.checked and each.usable(now))
            self._not_until = None if self.promised else now + _AGAIN
        heard = _Heard(page)
        try:
            found = self._nodes.run(heard.read)
        except NodeUnavailable:
            self._faults += heard.faulty
            if (heard.refused or self._faults >= _FAULTS) and not self._required:
                self.promised, self._not_until, self._faults = False, now + _AGAIN, 0
            raise
        if found.headers:
            self._faults = 0
        return found


class _Heard:
    """Reads a page from one node after the other, and keeps what they said of traces."""

    def __init__(self, page: Callable[[Node], Page]) -> None:
        self._page = page
        self.refused = self.faulty = False

    def read(self, node: Node) -> Page:
        """Read it from one node."""
        try:
            return self._page(node)
        except Refused as refusal:
            self.refused |= refusal.method in set(Tracer)
            raise
        except CannotTrace:
            self.refused = True
            raise
        except TraceFault:
            self.faulty = True
            raise
