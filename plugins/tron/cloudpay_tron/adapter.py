"""The heavy half of the plugin: one network, spoken to through its nodes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cloudpay.chains.adapter import NodeHealth, Opinion
from cloudpay.chains.errors import MissingToken, NodeUnavailable, UnusableTable, WrongDecimals
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
from cloudpay_tron import calls, lookups, trc20
from cloudpay_tron.balances import BalanceReader
from cloudpay_tron.node import Node
from cloudpay_tron.nodes import open_nodes
from cloudpay_tron.scan import Scanner
from cloudpay_tron.sending import SendingHalf
from cloudpay_tron.settings import TronSettings
from cloudpay_tron.transfers import BlockReader

_LOOKED_THROUGH = 10
"""Blocks in which a node's internal transactions are looked for."""
_MANY_CALLS = 200
"""Calls of contracts among which some must have sent TRX: on the main net, a block has about as many."""


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
            silent = [node.name for node in reachable if self._hides_internals(node)]
            if silent:
                what = (
                    f"{', '.join(silent)} tells no internal transactions, so that TRX from contracts would be missed: "
                    "set vm.saveInternalTx there, use other nodes, or set internal_transfers = false"
                )
                raise UnusableTable(self._network, what)

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

        def read(node: Node) -> Page:
            latest = seen.latest if seen is not None and seen.node is node else None
            try:
                page = self._scanner.page(node, after, limit, watch, latest)
            except BlockVanished:  # the chain moved under the page; a second look sees it as it is now
                page = self._scanner.page(node, after, limit, watch, None)
            return replace(page, node=node.name)

        page = self.nodes.run(read)
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

    def _look_again(self, node: Node) -> _Seen:
        """Look at the head; where it has not moved, what this node said was solid below it is not asked again."""
        last, latest = self._last_seen, node.required()
        if last is not None and last.node is node and last.latest == latest:
            return last
        solid = node.solid()
        return _Seen(node, latest, min(solid, latest.ref, key=lambda ref: ref.height))

    @staticmethod
    def _hides_internals(node: Node) -> bool:
        """Say whether a node tells of many calls of contracts, and of nothing that they have sent."""
        head = node.required().height
        run = 0
        for height in range(max(1, head - _LOOKED_THROUGH + 1), head + 1):
            for info in node.ask(calls.infos(height)):
                if info.internal:
                    return False
                run += bool(info.receipt.result)
        return run >= _MANY_CALLS


def _headers(node: Node, heights: Sequence[int | None]) -> list[Header | None]:
    """Ask for headers one by one, None for the newest; raises `NodeFault`, `Refused`."""
    return [node.header(height) for height in heights]
