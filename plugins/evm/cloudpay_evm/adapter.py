"""The heavy half of the plugin: one network, spoken to through its nodes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from cloudpay.chains.adapter import NodeHealth, Opinion, Reading
from cloudpay.chains.errors import MissingToken, NodeUnavailable, Unlinked, WrongDecimals
from cloudpay.chains.nodes.standby import Standby
from cloudpay.chains.types import (
    BlockRef,
    Capability,
    Finality,
    ForeignTransfer,
    Head,
    Header,
    Holding,
    Page,
    PendingTransfer,
    Statuses,
    Watch,
)
from cloudpay_evm import foreign, lookups
from cloudpay_evm.again import Rereader
from cloudpay_evm.balances import BalanceReader
from cloudpay_evm.calls import block_at
from cloudpay_evm.errors import BlockVanished, NodeFault, Refused
from cloudpay_evm.logs import LogReader
from cloudpay_evm.lookups import required_block
from cloudpay_evm.node import Node
from cloudpay_evm.nodes import open_nodes
from cloudpay_evm.scan import Scanner, Seen
from cloudpay_evm.sending import SendingHalf
from cloudpay_evm.settings import EvmSettings
from cloudpay_evm.tracing import Tracing
from cloudpay_evm.transfers import Tokens
from cloudpay_evm.wire import Block


class EvmAdapter(SendingHalf):
    """Implements `cloudpay.chains.spending.SpendingAdapter` for one EVM network: reading here, sending in its base."""

    def __init__(self, settings: EvmSettings, network: str) -> None:
        self.capabilities = (
            Capability.TOKENS
            | Capability.REPLACEABLE
            | Capability.SPENDS_DEPOSITS
            | Capability.HISTORY
            | Capability.SENDS
        )
        super().__init__(open_nodes(settings, network), settings, lambda node: self._look(node).final)
        self._settings, self._network = settings, network
        self._standby = Standby(self.nodes, settings, _headers)
        self._tracing = Tracing(self.nodes, settings, network)
        self._balances = BalanceReader()
        self._seen: Seen | None = None
        self._last_seen: Seen | None = None
        tokens = Tokens(asset.contract for asset in settings.assets.values() if asset.contract)
        logs = LogReader(tokens, start=settings.logs_range, blooms_hold=settings.blooms)
        self._scanner = Scanner(
            tokens, logs, native=settings.watch_native, final=self._final, tracer=self._tracing.of
        )
        self._rereader = Rereader(tokens, logs)
        if tokens:
            self.capabilities |= Capability.SECOND_READING
        self._promise_traces()
        if len(settings.rpc_urls) > 1:
            self.capabilities |= Capability.SECOND_OPINION

    @property
    def rpc_calls(self) -> int:
        """Calls made so far, each call of a batch counted."""
        return self.nodes.calls

    def verify(self) -> None:
        """Hold chain id, tokens and decimals against the nodes, and find out whether they trace.

        Raises `WrongChain`, `WrongDecimals`, `MissingToken`, `UnusableTable`, `NodeUnavailable`.
        """
        reachable = self.nodes.check_all()
        listed = {symbol: each for symbol, each in self._settings.assets.items() if each.contract}
        contracts = [each.contract or "" for each in listed.values()]
        found = self.nodes.run(lambda node: lookups.token_decimals(node, contracts))
        for (symbol, asset), decimals in zip(listed.items(), found, strict=True):
            if decimals is None:
                raise MissingToken(self._network, symbol, asset.contract or "")
            if decimals != asset.decimals:
                raise WrongDecimals(self._network, symbol, asset.decimals, decimals)
        if self._settings.watch_native and self._settings.traces != "off":
            try:
                self._tracing.find(reachable)
            finally:
                self._promise_traces()
        if self._settings.watch_native:
            self._find_many_balances(reachable)

    def head(self) -> Head:
        """Answer the newest and the final block of one and the same node."""
        try:
            seen = self.nodes.run(self._look_again)
        except NodeUnavailable:
            last = self._last_seen
            if last is None or not self._standby.agree_now(last.final):
                raise
            seen = self.nodes.run(self._look_again)
        if self._standby.better_than(seen.node, seen.latest.header, seen.final) is not None:
            seen = self.nodes.run(self._look_again)
        self._seen = self._last_seen = seen
        return Head(seen.latest.header, seen.final, self._settings.finality, seen.node.name)

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        """Answer the next page; what `head` just saw is used once, so that a poll costs a call less."""
        seen, self._seen = self._seen, None
        if seen is not None and (after is None or after.height >= seen.latest.height):
            seen = None  # the question is whether there is more by now

        def read(node: Node) -> Page:
            try:
                page = self._scanner.page(node, after, limit, watch, seen)
            except BlockVanished:  # the chain moved under the page; a second look sees it as it is now
                page = self._scanner.page(node, after, limit, watch, None)
            return replace(page, node=node.name)

        try:
            page = self._tracing.read(read)
        finally:
            self._promise_traces()
        if seen is not None and page.headers and page.headers[-1].height < seen.latest.height:
            self._seen = seen
        return page

    def header_at(self, height: int) -> Header:
        """Answer the header at a height of the canonical chain."""
        if height == 0 and self.nodes.first_block is None:
            raise NodeUnavailable(self._network, "none of its nodes still tells its first block")
        return self.nodes.run(lambda node: required_block(node, height)).header

    def pending(self, watch: Watch) -> tuple[PendingTransfer, ...]:  # the seam's parameter
        """Answer nothing: an EVM node's mempool shows only a part, so the capability MEMPOOL is not there."""
        return ()

    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Answer balances in base units at a block; raises `Unlinked`."""
        wanted = tuple(holdings)

        def read(node: Node) -> Mapping[Holding, int]:
            found = self._balances.read(node, wanted, at)
            if self._balances.refuses_many(node):
                self.capabilities &= ~Capability.MANY_BALANCES  # so that fewer are asked for from now on
            return found

        return self.nodes.run(read)

    def statuses(self, tx_ids: Iterable[str]) -> Statuses:
        """Answer what one node knows of each transaction, and its final block, which is read first."""
        wanted = tuple(tx_ids)

        def read(node: Node) -> Statuses:
            final = self._look(node).final
            return Statuses(final, lookups.statuses(node, wanted))

        return self.nodes.run(read)

    def second_opinions(self, blocks: Collection[BlockRef]) -> Mapping[BlockRef, Opinion]:
        """Ask all nodes whether they have these blocks, too."""
        return self._standby.second_opinions(blocks)

    def read_again(self, first: int, last: int, watch: Watch, avoid: Collection[str]) -> Reading:
        """Answer the token transfers of final blocks by one range, in two calls as a rule."""
        return self.nodes.run_beside(lambda node: self._rereader.read(node, first, last, watch), avoid)

    def foreign_transfers(self, address: str, first: int, last: int) -> tuple[ForeignTransfer, ...]:
        """Answer the transfers of unlisted tokens to an address, as `cloudpay.chains.adapter.TokenFinder` says."""
        listed = {asset.contract.lower() for asset in self._settings.assets.values() if asset.contract}
        size = self._settings.logs_range
        return self.nodes.run(
            lambda node: foreign.transfers(node, listed, address, range(first, last + 1), size)
        )

    def stuck(self, balances: Mapping[Holding, int], recipient: str) -> frozenset[Holding]:
        """Answer which token balances could not be sent now, by trying it out without a transaction."""
        wanted = {holding: units for holding, units in balances.items() if holding.contract and units}
        return self.nodes.run(lambda node: foreign.stuck(node, wanted, recipient))

    def health(self) -> tuple[NodeHealth, ...]:
        """Answer how each node has been doing."""
        return self.nodes.health()

    def close(self) -> None:
        """Close connections."""
        self.nodes.close()

    def _look_again(self, node: Node) -> Seen:
        """Look at the head; where it has not moved, what this node said was final below it is not asked again."""
        last, latest = self._last_seen, required_block(node, "latest")
        if last is not None and last.node is node and last.latest.hash == latest.hash:
            return last
        return Seen(node, latest, self._final(node, latest))

    def _look(self, node: Node) -> Seen:
        latest = required_block(node, "latest")
        return Seen(node, latest, self._final(node, latest))

    def _final(self, node: Node, latest: Block) -> BlockRef:
        """Answer the newest final block: by the node's own tag, or by depth, the block itself counted."""
        if self._settings.finality is Finality.TAG:
            tagged = required_block(node, "finalized")
            return min(tagged.ref, latest.ref, key=lambda ref: ref.height)
        height = max(0, latest.height - self._settings.confirmations + 1)
        return latest.ref if height == latest.height else required_block(node, height).ref

    def _promise_traces(self) -> None:
        if self._tracing.promised:
            self.capabilities |= Capability.TRACES
        else:
            self.capabilities &= ~Capability.TRACES

    def _find_many_balances(self, nodes: Iterable[Node]) -> None:
        """Promise many balances at once where every node that answers now gives them."""
        answering: list[bool] = []
        for node in nodes:
            try:
                self._balances.try_out(node, required_block(node, "latest").ref)
            except (NodeFault, Refused, Unlinked):
                continue  # it is tried when it is next asked for many
            answering.append(not self._balances.refuses_many(node))
        if answering and all(answering):
            self.capabilities |= Capability.MANY_BALANCES
        else:
            self.capabilities &= ~Capability.MANY_BALANCES


def _headers(node: Node, heights: Sequence[int | None]) -> list[Header | None]:
    """Ask for headers in one request, None for the newest; raises `NodeFault`, `Refused`."""
    found = node.ask_all([block_at("latest" if height is None else height) for height in heights])
    return [None if block is None else block.header for block in found]
