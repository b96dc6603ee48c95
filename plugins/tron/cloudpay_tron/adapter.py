"""The heavy half of the plugin: one network, spoken to through its nodes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cloudpay.chains.adapter import NodeHealth, Opinion
from cloudpay.chains.errors import MissingToken, NodeUnavailable, WrongDecimals
from cloudpay.chains.nodes.faults import BlockVanished
from cloudpay.chains.nodes.standby import Standby
from cloudpay.chains.types import (
    BlockRef,
    Capability,
    Head,
    Header,
    Holding,
    Page,
    PendingTransfer,
    Statuses,
    Watch,
)
from cloudpay_tron import lookups, trc20
from cloudpay_tron.balances import BalanceReader
from cloudpay_tron.internals import Internals
from cloudpay_tron.node import Node
from cloudpay_tron.nodes import open_nodes
from cloudpay_tron.scan import Read, Scanner
from cloudpay_tron.sending import SendingHalf
from cloudpay_tron.settings import TronSettings
from cloudpay_tron.transfers import BlockReader


@dataclass(frozen=True)
class _Seen:
    """What one node last told of its head."""

    node: Node
    latest: Header
    final: BlockRef


class TronAdapter(SendingHalf):
    """Implements `cloudpay.chains.spending.SpendingAdapter` for one TRON network: reading here, sending in its base."""

    def __init__(self, settings: TronSettings, network: str) -> None:
        super().__init__(open_nodes(settings, network), settings)
        self.capabilities = Capability.TOKENS | Capability.SPENDS_DEPOSITS | Capability.SENDS
        if settings.internal_transfers:
            self.capabilities |= Capability.TRACES
        if len(settings.rpc_urls) > 1:
            self.capabilities |= Capability.SECOND_OPINION
        self._settings, self._network = settings, network
        self._balances = BalanceReader(network)
        self._standby = Standby(self.nodes, settings, _headers)
        contracts = [each.contract for each in settings.assets.values() if each.contract]
        self._internals = Internals(self.nodes, network)
        self._scanner = Scanner(BlockReader(contracts, internal=settings.internal_transfers))
        self._seen: _Seen | None = None
        self._last_seen: _Seen | None = None

    @property
    def rpc_calls(self) -> int:
        """Calls made so far."""
        return self.nodes.calls

    def verify(self) -> None:
        """Hold the first block, tokens, decimals and internal transactions against the nodes.

        Raises `WrongChain`, `WrongDecimals`, `MissingToken`, `UnusableTable`, `NodeUnavailable`.
        """
        reachable = self.nodes.check_all()
        for symbol, asset in self._settings.assets.items():
            if asset.contract is None:
                continue
            found = self.nodes.run(partial(trc20.decimals, contract=asset.contract))
            if found is None:
                raise MissingToken(self._network, symbol, asset.contract)
            if found != asset.decimals:
                raise WrongDecimals(self._network, symbol, asset.decimals, found)
        if self._settings.internal_transfers:
            self._internals.require(reachable)

    def head(self) -> Head:
        """Answer the newest and the solid block of one and the same node."""
        try:
            seen = self.nodes.run(self._look_again)
        except NodeUnavailable:
            last = self._last_seen
            if last is None or not self._standby.agree_now(last.final):
                raise
            seen = self.nodes.run(self._look_again)
        if self._standby.better_than(seen.node, seen.latest, seen.final) is not None:
            seen = self.nodes.run(self._look_again)
        self._seen = self._last_seen = seen
        return Head(seen.latest, seen.final, self._settings.finality, seen.node.name)

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        """Answer the next page; what `head` just saw is used once, so that a poll costs a call less."""
        seen, self._seen = self._seen, None
        if seen is not None and (after is None or after.height >= seen.latest.height):
            seen = None  # the question is whether there is more by now

        def read(node: Node) -> tuple[Node, Read]:
            latest = seen.latest if seen is not None and seen.node is node else None
            try:
                return node, self._scanner.read(node, after, limit, watch, latest)
            except BlockVanished:  # the chain moved under the page; a second look sees it as it is now
                return node, self._scanner.read(node, after, limit, watch, None)

        node, found = self.nodes.run(read)
        page = replace(found.page, node=node.name)
        self._promise_traces(node, found)
        if found.fault is not None:
            self.nodes.rest(node, found.fault)
        if seen is not None and page.headers and page.headers[-1].height < seen.latest.height:
            self._seen = seen
        return page

    def header_at(self, height: int) -> Header:
        """Answer the header at a height of the canonical chain."""
        return self.nodes.run(lambda node: node.required(height))

    def pending(self, watch: Watch) -> tuple[PendingTransfer, ...]:
        """Answer nothing: what waits is in a block three seconds later, so the capability MEMPOOL is not there."""
        return ()

    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Answer balances in base units at the newest or the solid block; raises `Unlinked`, `BlockPassed`."""
        wanted = tuple(holdings)
        return self.nodes.run(lambda node: self._balances.read(node, wanted, at))

    def statuses(self, tx_ids: Iterable[str]) -> Statuses:
        """Answer what one node knows of each transaction, and its solid block, which is read first."""
        wanted = tuple(tx_ids)

        def read(node: Node) -> Statuses:
            final = node.solid()
            return Statuses(final, lookups.statuses(node, wanted))

        return self.nodes.run(read)

    def second_opinions(self, blocks: Collection[BlockRef]) -> Mapping[BlockRef, Opinion]:
        """Ask all nodes whether they have these blocks, too."""
        return self._standby.second_opinions(blocks)

    def health(self) -> tuple[NodeHealth, ...]:
        """Answer how each node has been doing."""
        return self.nodes.health()

    def close(self) -> None:
        """Close connections."""
        self.nodes.close()

    def _promise_traces(self, node: Node, found: Read) -> None:
        """Promise what contracts sent for this very page, so that balances are looked at where it may lack that."""
        if not self._settings.internal_transfers or not found.page.headers:
            return
        if self._internals.are_told(node, found.results):
            self.capabilities |= Capability.TRACES
        else:
            self.capabilities &= ~Capability.TRACES
            self._internals.leave_what_hides(node)

    def _look_again(self, node: Node) -> _Seen:
        """Look at the head; where it has not moved, what this node said was solid below it is not asked again."""
        last, latest = self._last_seen, node.required()
        if last is not None and last.node is node and last.latest == latest:
            return last
        solid = node.solid()
        return _Seen(node, latest, min(solid, latest.ref, key=lambda ref: ref.height))


def _headers(node: Node, heights: Sequence[int | None]) -> list[Header | None]:
    """Ask for headers one by one, None for the newest; raises `NodeFault`, `Refused`."""
    return [node.header(height) for height in heights]
