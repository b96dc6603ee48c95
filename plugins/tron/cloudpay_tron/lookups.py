"""The fate of transactions and balances of addresses."""

from collections.abc import Iterable, Mapping

from cloudpay.chains.errors import Unlinked
from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.types import BlockRef, Holding, TxState, TxStatus
from cloudpay_tron import calls, trc20
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


def balances(node: Node, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
    """Ask for balances at the newest or the solid block, one call for each; raises `Unlinked`, `NodeFault`.

    A node tells of no block behind those: where the chain has moved on before the last answer, none of them counts.
    """
    wanted = tuple(dict.fromkeys(holdings))
    solid = _place(node, at)
    found = {each: _balance(node, each, solid=solid) for each in wanted}
    if wanted:
        _place(node, at)
    return found


def _place(node: Node, at: BlockRef) -> bool:
    """Say whether a block is the solid one, or else the newest; raises where it is neither."""
    if node.required().ref == at:
        return False
    if node.solid() == at:
        return True
    there = node.header(at.height)
    if there is None:
        raise NodeFault(f"it has no block {at.height} yet")
    if there.hash != at.hash:
        raise Unlinked(at)
    raise NodeFault(f"it has gone on since block {at.height}, and keeps no balances of earlier blocks")


def _balance(node: Node, holding: Holding, *, solid: bool) -> int:
    if holding.contract is None:
        return node.ask(calls.account(holding.address, solid=solid)).balance
    found = trc20.balance(node, holding.contract, holding.address, solid=solid)
    if found is None:
        raise NodeFault(f"it finds no token at {holding.contract}")
    return found
