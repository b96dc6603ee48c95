"""Native coins that a transaction itself sends: its own value, when it was included and did not fail."""

from collections.abc import Iterable, Sequence

from cloudpay.chains.types import Transfer, TransferSource
from cloudpay_evm.calls import receipt_of
from cloudpay_evm.checksum import normalised
from cloudpay_evm.errors import BlockVanished, NodeFault
from cloudpay_evm.node import Node
from cloudpay_evm.transfers import PLACES
from cloudpay_evm.wire import FullBlock, number

_SUCCEEDED = 1  # EIP-658


def plain_transfers(blocks: Iterable[FullBlock]) -> list[Transfer]:
    """Answer what the transactions of blocks would move; whether they succeeded is asked for those of ours alone."""
    return [
        Transfer(
            tx_id=each.hash,
            contract=None,
            sender=normalised(each.sender),
            recipient=normalised(each.to),
            amount=number(each.value),
            block=block.ref,
            position=number(each.transaction_index) * PLACES,
            source=TransferSource.NATIVE,
        )
        for block in blocks
        for each in block.transactions
        if each.to is not None and number(each.value)
    ]


def successful(node: Node, transfers: Sequence[Transfer]) -> list[Transfer]:
    """Keep the transfers whose receipt says that they succeeded; a receipt that is missing is asked for again later."""
    receipts = node.ask_all([receipt_of(each.tx_id) for each in transfers])
    kept: list[Transfer] = []
    for transfer, receipt in zip(transfers, receipts, strict=True):
        if receipt is None:
            raise NodeFault(f"it has no receipt of {transfer.tx_id} yet")
        if receipt.block_hash != transfer.block.hash:
            raise BlockVanished(transfer.block.height)
        if receipt.status is None:
            raise NodeFault(f"its receipt of {transfer.tx_id} has no status")
        if number(receipt.status) == _SUCCEEDED:
            kept.append(transfer)
    return kept
