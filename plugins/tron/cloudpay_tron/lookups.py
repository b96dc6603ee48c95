"""The fate of transactions."""

from collections.abc import Iterable, Mapping

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.types import BlockRef, TxState, TxStatus
from cloudpay_tron import calls
from cloudpay_tron.node import Node
from cloudpay_tron.transfers import succeeded


def statuses(node: Node, tx_ids: Iterable[str]) -> Mapping[str, TxStatus]:
    """Ask what became of transactions: one call for each, two where it is in no block, one for each block."""
    blocks: dict[int, BlockRef] = {}
    found: dict[str, TxStatus] = {}
    for tx_id in dict.fromkeys(tx_ids):
        info = node.ask(calls.info(tx_id))
        if info.id != tx_id:
            if info.id:
                raise NodeFault(f"it told the result of {info.id[:80]} where {tx_id[:80]} was asked for")
            waits = node.ask(calls.waiting(tx_id)).tx_id == tx_id
            found[tx_id] = TxStatus(tx_id, TxState.PENDING if waits else TxState.UNKNOWN)
            continue
        if info.height not in blocks:
            blocks[info.height] = node.required(info.height).ref
        state = TxState.SUCCEEDED if succeeded(info) else TxState.REVERTED
        found[tx_id] = TxStatus(tx_id, state, blocks[info.height], info.fee)
    return found
