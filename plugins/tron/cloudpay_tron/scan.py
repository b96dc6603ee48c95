"""One page of the chain: blocks that follow each other by their ids, and every transfer in them that touches us."""

from collections.abc import Sequence
from dataclasses import dataclass

from cloudpay.chains.errors import Unlinked
from cloudpay.chains.nodes.faults import AskedTooOften, BlockVanished, NodeFault
from cloudpay.chains.nodes.ranges import RangeSizes
from cloudpay.chains.types import BlockRef, Header, Page, Transfer, Watch
from cloudpay_tron import calls
from cloudpay_tron.node import Node, header_of
from cloudpay_tron.transfers import BlockReader, hold_results
from cloudpay_tron.wire import Block, Info

AT_ONCE = 100
"""Blocks that `getblockbylimitnext` answers at most (java-tron, `Wallet.getBlocksByLimitNext`)."""


@dataclass(frozen=True)
class Read:
    """A page, and what else its reading has shown; `fault` cut it short, the page is what was read before."""

    page: Page
    results: Sequence[Info] = ()
    fault: NodeFault | None = None


class Scanner:
    """Reads pages, every page from one node: one call for the blocks, one for the results of each that has any."""

    def __init__(self, reader: BlockReader) -> None:
        self._reader = reader
        self._sizes = RangeSizes(AT_ONCE)

    def read(
        self, node: Node, after: BlockRef | None, limit: int, watch: Watch, latest: Header | None
    ) -> Read:
        """Read the page after a block. `latest` spares a call where it was this node's head a moment ago.

        Raises `Unlinked`, and `NodeFault` for whatever another node may do better.
        """
        latest = latest or node.required()
        if after is None:
            return self._read(node, blocks_from(node, latest.height, latest.height), watch)
        if latest.height < after.height:
            raise NodeFault(f"it lags behind, at block {latest.height} where {after.height} was read")
        if latest.height == after.height:
            if latest.hash != after.hash:
                raise Unlinked(after)
            return Read(Page((), ()))
        end = min(latest.height, after.height + min(limit, self._sizes.of(node.name)))
        return self._read(node, self._linked(after, blocks_from(node, after.height + 1, end)), watch)

    @staticmethod
    def _linked(after: BlockRef, blocks: Sequence[Block]) -> Sequence[Block]:
        """Answer those that are each the child of the one before; fewer where the chain moved meanwhile."""
        linked: list[Block] = []
        parent = after.hash
        for block in blocks:
            if block.block_header.raw_data.parent_hash != parent:
                break
            linked.append(block)
            parent = block.block_id
        if not linked:
            raise Unlinked(after)
        return linked

    def _read(self, node: Node, blocks: Sequence[Block], watch: Watch) -> Read:
        """Read the blocks' results; a fault after the first leaves those before it."""
        headers: list[Header] = []
        transfers: list[Transfer] = []
        results: list[Info] = []
        cut: NodeFault | None = None
        for block in blocks:
            header = header_of(block)
            try:
                infos = _results(node, block, header)
                transfers += self._reader.read(header.ref, block.transactions, infos)
            except NodeFault as fault:
                if isinstance(fault, AskedTooOften):
                    self._sizes.refused(node.name, len(blocks))
                if not headers or isinstance(fault, BlockVanished):
                    raise
                cut = fault
                break
            headers.append(header)
            results += infos
        if cut is None:
            self._sizes.worked(node.name)
        return Read(Page(tuple(headers), _ours(transfers, watch)), results, cut)


def _results(node: Node, block: Block, header: Header) -> Sequence[Info]:
    """Ask for the results of a block's transactions; raises `BlockVanished` where they are of another block."""
    if not block.transactions:
        return ()
    infos = node.ask(calls.infos(header.height))
    try:
        hold_results(header.height, block.transactions, infos)
    except NodeFault:
        if node.required(header.height).hash != header.hash:
            raise BlockVanished(header.height) from None
        raise
    return infos


def blocks_from(node: Node, first: int, last: int) -> Sequence[Block]:
    """Read blocks with their transactions, both ends included; fewer where a node tells no more at once."""
    found = node.ask(calls.blocks(first, last)).block
    heights = [block.block_header.raw_data.number for block in found]
    if heights != list(range(first, first + len(found))) or len(found) > last - first + 1:
        raise NodeFault(f"it was asked for the blocks {first} to {last} and told {heights[:5]}…")
    if not found:
        raise BlockVanished(first)
    return found


def _ours(transfers: Sequence[Transfer], watch: Watch) -> tuple[Transfer, ...]:
    """Ask once which addresses are ours, and keep what touches them."""
    parties = {each.recipient for each in transfers} | {each.sender for each in transfers if each.sender}
    ours = watch(parties) if parties else frozenset()
    return tuple(each for each in transfers if each.recipient in ours or each.sender in ours)
