"""What is in no block: read from the blocks themselves, since a node that has lost an index denies what they hold.

A transaction can only be in blocks that come after the one that it names, up to the first that comes at its expiration
or later: a block takes what expires after its parent's time (java-tron, `Manager.validateTapos`, `validateCommon`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.types import BlockRef
from cloudpay.kernel.log import get_logger
from cloudpay_tron.node import Node
from cloudpay_tron.scan import blocks_from
from cloudpay_tron.transactions import decode, reference
from cloudpay_tron.wire import Block

_AT_ONCE = 20
"""Blocks of one call, with their transactions: some megabytes on the main net."""
_NUMBERS = 2**16
"""What two bytes of a block's number tell apart: more than two days of blocks."""
_LONGEST = 86_400
"""Seconds that a transaction lives at most (java-tron, `Constant.MAXIMUM_TIME_UNTIL_EXPIRATION`)."""
_log = get_logger(__name__)


@dataclass(frozen=True)
class _Life:
    """Where a transaction may be: after a block, and until a time in milliseconds."""

    after: BlockRef
    until: int


def absent(
    node: Node, signed: Mapping[str, bytes], final: BlockRef, meanwhile: Callable[[], None]
) -> frozenset[str]:
    """Answer which of these are in none of a node's blocks up to a final one, and have expired there.

    `meanwhile` is called before each call for blocks. Raises `NodeFault` where it does not have these blocks.
    """
    if node.required(final.height).hash != final.hash:
        raise NodeFault(f"it has another block {final.height} than the one that was told to be final")
    lives = {tx_id: _life(node, raw, final) for tx_id, raw in signed.items()}
    open_ = dict(lives)
    seen: set[str] = set()
    if not lives:
        return frozenset()
    start = min((each.after for each in lives.values()), key=lambda each: each.height)
    for block in _chain(node, start, final, meanwhile):
        held = {each.tx_id for each in block.transactions} & lives.keys()
        for tx_id in held - seen:
            _log.error("node_denies_what_its_block_holds", node=node.name, tx_id=tx_id, block=block.block_id)
        seen |= held
        time = block.block_header.raw_data.timestamp
        open_ = {tx_id: life for tx_id, life in open_.items() if time < life.until}
        if not open_:
            break
    return frozenset(lives.keys() - open_.keys() - seen)


def _life(node: Node, raw: bytes, final: BlockRef) -> _Life:
    """Find the block that a transaction names, which only tells the end of its number."""
    transaction, _ = decode(raw)
    named = (transaction.ref_block_bytes, transaction.ref_block_hash)
    height = final.height - (final.height - int.from_bytes(named[0])) % _NUMBERS
    while height >= 0:
        header = node.required(height)
        if reference(header.hash) == named:
            return _Life(header.ref, transaction.expiration)
        if header.time + 2 * _LONGEST < transaction.expiration // 1000:
            break
        height -= _NUMBERS
    raise NodeFault("it does not have the block that a transaction names")


def _chain(node: Node, start: BlockRef, final: BlockRef, meanwhile: Callable[[], None]) -> Iterator[Block]:
    """Read the blocks after one, each the child of the one before, none of them without what its header sums up."""
    last = start
    while last.height < final.height:
        meanwhile()
        end = min(final.height, last.height + _AT_ONCE)
        for block in _whole(blocks_from(node, last.height + 1, end)):
            told = block.block_header.raw_data
            if told.parent_hash != last.hash:
                raise NodeFault(f"its block {told.number} does not follow its block {last.height}")
            last = BlockRef(told.number, block.block_id)
            if last.height == final.height and last.hash != final.hash:
                raise NodeFault(f"it has two blocks {final.height}")
            yield block


def _whole(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        told = block.block_header.raw_data
        if not block.transactions and told.root.strip("0"):
            raise NodeFault(f"it told block {told.number} without its transactions")
        yield block
