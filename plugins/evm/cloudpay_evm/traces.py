"""Native coins that contracts send: no transaction names them, only the traces of a block do."""

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum

from cloudpay.chains.types import BlockRef, Transfer, TransferSource
from cloudpay_evm.calls import Call
from cloudpay_evm.checksum import normalised
from cloudpay_evm.errors import BlockVanished, NodeFault, Refused
from cloudpay_evm.node import Node
from cloudpay_evm.transfers import PLACES
from cloudpay_evm.wire import CALL_TRACES, FLAT_TRACES, FlatTrace, Frame, FullBlock, TracedTransaction, number

_MOVES_VALUE = {"CALL", "CREATE", "CREATE2", "SELFDESTRUCT"}
# The others move nothing of their own: DELEGATECALL repeats its caller's value, CALLCODE pays the caller itself.
_DEEPEST = 10_000

# A call may nest 1,024 deep (yellow paper, 9.1), two levels of JSON each: more than Python allows at first.
sys.setrecursionlimit(max(sys.getrecursionlimit(), _DEEPEST))


class Tracer(StrEnum):
    """How a node traces a block."""

    CALLS = "debug_traceBlockByHash"
    FLAT = "trace_block"


def find_tracer(node: Node, block: BlockRef) -> Tracer | None:
    """Try on a block how a node traces; None when it refuses to. Raises `NodeFault`."""
    if not isinstance(node.try_all([_flat_traces(block)])[0], Refused):
        return (
            Tracer.FLAT
        )  # read from what the node keeps; the other kind runs the block again for each question
    if not isinstance(node.try_all([_call_traces(block)])[0], Refused):
        return Tracer.CALLS
    return None


def contract_transfers(node: Node, tracer: Tracer, blocks: Sequence[FullBlock]) -> list[Transfer]:
    """Answer every transfer of native coins inside the transactions of blocks, except those that were undone."""
    blocks = [block for block in blocks if block.transactions]
    found: list[Transfer] = []
    if tracer is Tracer.CALLS:
        for block, traced in zip(
            blocks, node.ask_all([_call_traces(each.ref) for each in blocks]), strict=True
        ):
            found += _of_call_traces(block, traced)
    else:
        for block, traces in zip(
            blocks, node.ask_all([_flat_traces(each.ref) for each in blocks]), strict=True
        ):
            found += _of_flat_traces(block, traces)
    return found


def _call_traces(block: BlockRef) -> Call[list[TracedTransaction]]:
    return Call(Tracer.CALLS.value, (block.hash, {"tracer": "callTracer"}), CALL_TRACES)


def _flat_traces(block: BlockRef) -> Call[list[FlatTrace]]:
    return Call(Tracer.FLAT.value, (hex(block.height),), FLAT_TRACES)


def _of_call_traces(block: FullBlock, traced: Sequence[TracedTransaction]) -> Iterator[Transfer]:
    in_order = [each.hash for each in block.transactions]
    if len(traced) == len(in_order):  # older nodes name no transactions, and give one trace for each
        tx_ids = [each.tx_hash or tx_id for each, tx_id in zip(traced, in_order, strict=True)]
    else:
        tx_ids = [each.tx_hash or "" for each in traced]
    _require_all(block, tx_ids)
    places = {tx_id: index for index, tx_id in enumerate(in_order)}
    for tx_id, each in zip(tx_ids, traced, strict=True):
        if each.result is None or tx_id not in places:
            raise NodeFault(f"it could not trace {tx_id} of block {block.height} ({each.error})")
        for place, frame in enumerate(_inner_frames(each.result), 1):
            position = places[tx_id] * PLACES + min(place, PLACES // 2 - 1)
            yield _transfer(
                block, tx_id, position, frame.sender, frame.to or "", number(frame.value or "0x0")
            )


def _require_all(block: FullBlock, traced: Collection[str]) -> None:
    """Raise when a transaction was not traced, but for Polygon's own state syncs, which nobody signs."""
    signed = {each.hash for each in block.transactions if number(each.sender)}
    if not signed <= set(traced):
        raise NodeFault(f"it did not trace every transaction of block {block.height}")


def _inner_frames(top: Frame) -> Iterator[Frame]:
    """Walk what a transaction called, in order of execution, without what was undone and without its own transfer."""
    waiting = [top]
    while waiting:
        frame = waiting.pop()
        if frame.error:
            continue
        moves = frame.type.upper() in _MOVES_VALUE and frame.to and frame.to != frame.sender
        if frame is not top and moves and number(frame.value or "0x0"):
            yield frame
        waiting += reversed(frame.calls)


def _of_flat_traces(block: FullBlock, traces: Sequence[FlatTrace]) -> Iterator[Transfer]:
    if any(trace.block_hash != block.hash for trace in traces):
        raise BlockVanished(block.height)  # trace_block knows heights only
    _require_all(block, [each.transaction_hash or "" for each in traces])
    undone: set[tuple[str, tuple[int, ...]]] = set()
    moved: Counter[str] = (
        Counter()
    )  # numbered as `_inner_frames` numbers them, whatever moves nothing in between
    for trace in traces:
        tx_id, path = trace.transaction_hash, tuple(trace.trace_address)
        if tx_id is None:
            continue  # a block reward
        if trace.error or (tx_id, path[:-1]) in undone:
            undone.add((tx_id, path))  # parents come before their children
            continue
        move = _flat_move(trace) if path else None
        if move is not None:
            moved[tx_id] += 1
            place = (trace.transaction_position or 0) * PLACES + min(moved[tx_id], PLACES // 2 - 1)
            yield _transfer(block, tx_id, place, *move)


def _flat_move(trace: FlatTrace) -> tuple[str, str, int] | None:
    action = trace.action
    if trace.type == "suicide":
        sender, recipient, amount = action.address, action.refund_address, number(action.balance or "0x0")
    elif trace.type == "call" and action.call_type == "call":
        sender, recipient, amount = action.sender, action.to, number(action.value or "0x0")
    elif trace.type == "create" and trace.result is not None:
        sender, recipient, amount = action.sender, trace.result.address, number(action.value or "0x0")
    else:
        return None
    return (sender, recipient, amount) if sender and recipient and amount and sender != recipient else None


def _transfer(
    block: FullBlock, tx_id: str, position: int, sender: str, recipient: str, amount: int
) -> Transfer:
    return Transfer(
        tx_id=tx_id,
        contract=None,
        sender=normalised(sender),
        recipient=normalised(recipient),
        amount=amount,
        block=block.ref,
        position=position,
        source=TransferSource.TRACE,
    )
