"""Single blocks, and the fate of transactions and the decimals of tokens, many at a time."""

import re
from collections.abc import Iterable, Mapping, Sequence

from cloudpay.chains.types import BlockRef, TxState, TxStatus
from cloudpay_evm import erc20
from cloudpay_evm.calls import Call, block_at, receipt_of, transaction
from cloudpay_evm.errors import NodeFault, Refused
from cloudpay_evm.node import Node
from cloudpay_evm.wire import TEXT, Block, Receipt, number

_REVERTED = 3  # what geth answers for an eth_call that reverted
_FAILED = re.compile(r"revert|invalid opcode|out of gas|EVM error", re.IGNORECASE)
_STATES = {0: TxState.REVERTED, 1: TxState.SUCCEEDED}  # EIP-658


def required_block(node: Node, height: int | str) -> Block:
    """Answer a block by height or tag; raises `NodeFault` when the node has none."""
    block = node.ask(block_at(height))
    if block is None:
        raise NodeFault(f"it has no block {height}")
    return block


def statuses(node: Node, tx_ids: Iterable[str]) -> Mapping[str, TxStatus]:
    """Ask what became of transactions; without a receipt one is pending when the node knows it, else unknown."""
    wanted = tuple(dict.fromkeys(tx_ids))
    receipts = dict(zip(wanted, node.ask_all([receipt_of(each) for each in wanted]), strict=True))
    missing = [tx_id for tx_id, receipt in receipts.items() if receipt is None]
    known = dict(zip(missing, node.ask_all([transaction(each) for each in missing]), strict=True))
    return {
        tx_id: _included(tx_id, receipt)
        if receipt is not None
        else TxStatus(tx_id, TxState.UNKNOWN if known[tx_id] is None else TxState.PENDING)
        for tx_id, receipt in receipts.items()
    }


def _included(tx_id: str, receipt: Receipt) -> TxStatus:
    state = (
        TxState.UNKNOWN if receipt.status is None else _STATES.get(number(receipt.status), TxState.UNKNOWN)
    )
    fee = number(receipt.gas_used) * number(receipt.effective_gas_price or "0x0") + number(
        receipt.l1_fee or "0x0"
    )
    return TxStatus(tx_id, state, BlockRef(number(receipt.block_number), receipt.block_hash), fee)


def token_decimals(node: Node, contracts: Sequence[str]) -> list[int | None]:
    """Ask contracts for their decimals; None where no token lives."""
    calls = [
        Call("eth_call", ({"to": contract, "data": erc20.DECIMALS}, "latest"), TEXT) for contract in contracts
    ]
    return [_decimals(answer) for answer in node.try_all(calls)]


def _decimals(answer: str | Refused) -> int | None:
    if not isinstance(answer, Refused):
        return erc20.unsigned(answer)
    if answer.rpc_code == _REVERTED or _FAILED.search(answer.rpc_message):
        return None  # a contract, but none that has decimals
    raise answer
