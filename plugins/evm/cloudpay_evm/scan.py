"""One page of the chain: blocks that follow each other by hash, and every transfer in them that touches us."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cloudpay.chains.errors import Unlinked
from cloudpay.chains.types import BlockRef, Page, Transfer, TransferSource, Watch
from cloudpay_evm.calls import block_at, full_block_at
from cloudpay_evm.errors import BlockVanished, NodeFault, TraceFault
from cloudpay_evm.logs import LogReader
from cloudpay_evm.native import plain_transfers, successful
from cloudpay_evm.node import Node
from cloudpay_evm.traces import Tracer, contract_transfers
from cloudpay_evm.transfers import Tokens
from cloudpay_evm.wire import Block, FullBlock, Log, number

_HEAVY = (full_block_at("latest").kind, *Tracer)
"""What takes a node longest, where native coins are watched."""
_WORTH_A_RANGE = 4
"""Final blocks ahead from which one range costs fewer calls than asking block by block."""


@dataclass(frozen=True)
class Seen:
    """What one node last told of its head."""

    node: Node
    latest: Block
    final: BlockRef


class Scanner:
    """Reads pages; every page from one node. `final` asks a node for the newest final block below a head."""

    def __init__(
        self,
        tokens: Tokens,
        logs: LogReader,
        *,
        native: bool,
        final: Callable[[Node, Block], BlockRef],
        tracer: Callable[[Node], Tracer | None],
    ) -> None:
        self._tokens, self._logs, self._native, self._final, self._tracer = (
            tokens,
            logs,
            native,
            final,
            tracer,
        )

    def page(self, node: Node, after: BlockRef | None, limit: int, watch: Watch, seen: Seen | None) -> Page:
        """Read the page after a block. `seen` spares a call where it was this node's head a moment ago.

        Raises `Unlinked`, and `NodeFault` for whatever another node may do better.
        """
        known = seen if seen is not None and seen.node is node else None
        latest = known.latest if known else self._block(node, "latest")
        if after is None:
            return self._near(node, [self._by_height(node, latest.height, latest)], watch)
        if latest.height < after.height:
            raise NodeFault(f"it lags behind, at block {latest.height} where {after.height} was read")
        if latest.height == after.height:
            if latest.hash != after.hash:
                raise Unlinked(after)
            return Page((), ())
        end = min(latest.height, after.height + self._at_most(node, limit))
        if end - after.height >= _WORTH_A_RANGE:
            final = known.final if known else self._final(node, latest)
            if min(end, final.height) - after.height >= _WORTH_A_RANGE:
                return self._range(node, after, min(end, final.height), latest, watch)
        return self._near(node, self._following(node, after, end, latest), watch)

    def _at_most(self, node: Node, limit: int) -> int:
        """Answer how many blocks a page may have: fewer where the node needs more requests for each, or seconds."""
        return node.share(limit, _HEAVY) if self._native else limit

    def _following(self, node: Node, after: BlockRef, end: int, latest: Block) -> list[Block]:
        """Answer the blocks after a block, each the child of the one before; fewer where the chain moved meanwhile."""
        heights = list(range(after.height + 1, end + 1))
        blocks = self._by_heights(node, heights, latest)
        linked: list[Block] = []
        parent = after.hash
        for block, height in zip(blocks, heights, strict=True):
            if block is None or block.parent_hash != parent:
                break
            _require_height(block, height)
            linked.append(block)
            parent = block.hash
        if not linked:
            if blocks[0] is None:
                raise BlockVanished(heights[0])
            raise Unlinked(after)
        return linked

    def _near(self, node: Node, blocks: Sequence[Block], watch: Watch) -> Page:
        """Read blocks by hash: a reorganisation in between gives an error, never the logs of another block."""
        logs = self._logs.of_blocks(node, blocks)
        transfers = self._tokens.transfers(logs) + self._native_transfers(node, blocks)
        ours = self._ours(node, transfers, watch)
        paying = {each.block.hash for each in ours if each.source is TransferSource.LOG}
        self._logs.require_whole(node, [block for block in blocks if block.hash in paying], logs)
        return Page(tuple(block.header for block in blocks), tuple(ours))

    def _range(self, node: Node, after: BlockRef, end: int, latest: Block, watch: Watch) -> Page:
        """Read final blocks by one range, which halves when the node refuses, and distrust what looks empty."""
        logs, end = self._logs.of_range(node, after.height + 1, end)
        if self._native:
            blocks = self._following(node, after, end, latest)
            if blocks[-1].height != end:
                raise BlockVanished(end)
            self._logs.doubt(node, _without_logs(blocks, logs))
        else:
            blocks = self._anchored(node, after, end, logs)
        transfers = self._tokens.transfers(logs) + self._native_transfers(node, blocks)
        ours = self._ours(node, transfers, watch)
        if not self._native:
            blocks = self._with_headers(node, blocks[-1], ours)
        by_height = {block.height: block.hash for block in blocks}
        for transfer in ours:
            if by_height[transfer.block.height] != transfer.block.hash:
                raise BlockVanished(transfer.block.height)
        return Page(tuple(block.header for block in blocks), tuple(ours), linked=self._native)

    def _anchored(self, node: Node, after: BlockRef, end: int, logs: Sequence[Log]) -> list[Block]:
        """Check that the range begins on our chain, and hold its end, from the last log on, against the blooms."""
        last_log = max((number(log.block_number or "0x0") for log in logs), default=after.height)
        heights = [after.height, *range(min(last_log + 1, end), end + 1)]
        anchor, *tail = self._complete(node.ask_all([block_at(height) for height in heights]), heights)
        if anchor.hash != after.hash:
            raise Unlinked(after)
        self._logs.doubt(node, _without_logs(tail, logs))
        return tail

    def _with_headers(self, node: Node, last: Block, ours: Sequence[Transfer]) -> list[Block]:
        heights = sorted({each.block.height for each in ours} - {last.height})
        return [*self._complete(node.ask_all([block_at(height) for height in heights]), heights), last]

    def _native_transfers(self, node: Node, blocks: Sequence[Block]) -> list[Transfer]:
        if not self._native:
            return []
        full = [block for block in blocks if isinstance(block, FullBlock)]
        return plain_transfers(full) + self._traced(node, full)

    def _traced(self, node: Node, blocks: Sequence[FullBlock]) -> list[Transfer]:
        try:
            tracer = self._tracer(node)
            return contract_transfers(node, tracer, blocks) if tracer else []
        except (BlockVanished, TraceFault):
            raise
        except NodeFault as fault:  # what came before the traces was there: it is they that are in the way
            raise TraceFault(fault.reason, fault.retry_after) from fault

    def _ours(self, node: Node, transfers: Sequence[Transfer], watch: Watch) -> list[Transfer]:
        """Keep what touches us, in the order of execution; of plain transactions only the successful ones."""
        addresses = {each.recipient for each in transfers} | {
            each.sender for each in transfers if each.sender
        }
        ours = watch(addresses) if addresses else frozenset()
        touching = [each for each in transfers if each.recipient in ours or each.sender in ours]
        plain = [each for each in touching if each.source is TransferSource.NATIVE]
        kept = [each for each in touching if each.source is not TransferSource.NATIVE]
        return sorted([*kept, *successful(node, plain)], key=lambda each: (each.block.height, each.position))

    def _block(self, node: Node, height: int | str) -> Block:
        block = node.ask(block_at(height))
        if block is None:
            raise NodeFault(f"it has no block {height}")
        return block

    def _by_height(self, node: Node, height: int, latest: Block) -> Block:
        block = self._by_heights(node, [height], latest)[0]
        if block is None:
            raise BlockVanished(height)
        return block

    def _by_heights(self, node: Node, heights: Sequence[int], latest: Block) -> Sequence[Block | None]:
        """Answer blocks, with their transactions where native coins are watched; the head is not asked for twice."""
        if self._native:
            return node.ask_all([full_block_at(height) for height in heights])
        asked = [height for height in heights if height != latest.height]
        blocks = node.ask_all([block_at(height) for height in asked])
        return [*blocks, latest] if len(asked) < len(heights) else blocks

    def _complete(self, blocks: Sequence[Block | None], heights: Sequence[int]) -> list[Block]:
        for block, height in zip(blocks, heights, strict=True):
            if block is None:
                raise NodeFault(f"it has no block {height}")
            _require_height(block, height)
        return [block for block in blocks if block is not None]


def _require_height(block: Block, height: int) -> None:
    if block.height != height:
        raise NodeFault(f"it answered block {block.height} where block {height} was asked for")


def _without_logs(blocks: Sequence[Block], logs: Sequence[Log]) -> list[Block]:
    told = {number(log.block_number or "0x0") for log in logs}
    return [block for block in blocks if block.height not in told]
