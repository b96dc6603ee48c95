"""Blocks below all that are stored: what was found in them by reading again may have been replaced since.

So it is where a network began anew at its newest block, and was reorganised from below that.
"""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef
from cloudpay.payments.blocks import lowest
from cloudpay.payments.credit import orphan_above
from cloudpay.payments.forks import newest_held
from cloudpay.payments.models import OutsideTransferRow, PaymentRow
from cloudpay.payments.networks import enter, network_row
from cloudpay.payments.opinions import require_agreed
from cloudpay.payments.states import NetworkStatus, PaymentStatus


def take_back_replaced(
    gateway: Gateway, network: Network, adapter: ChainAdapter, first: int, last: int
) -> None:
    """Take back what is known of blocks from `first` to `last` that the chain has replaced.

    Only blocks below all stored ones are looked at: the watcher follows the others. Raises `NodeUnavailable` where a
    second node is named and does not have the blocks that take their place.
    """
    with gateway.db.read() as session:
        below = min(lowest(session, network.code), last + 1)
        known = _known(session, network.code, first, below)

    def is_held(block: BlockRef) -> bool:
        return adapter.header_at(block.height).ref == block

    held = newest_held(known, is_held)
    gone = known if held is None else known[: known.index(held)]
    if not gone:
        return
    require_agreed(network, adapter, [adapter.header_at(gone[-1].height).ref])
    gateway.db.run(
        partial(_take_back, gateway=gateway, code=network.code, height=gone[-1].height - 1, below=below)
    )


def _known(session: Session, network: str, first: int, below: int) -> Sequence[BlockRef]:
    """Answer the blocks in which anything is known that was not taken back, newest first."""
    found = union(
        *(
            select(row.block_height, row.block_hash).where(
                row.network == network,
                row.block_height >= first,
                row.block_height < below,
                row.status.in_([PaymentStatus.CONFIRMING, PaymentStatus.FINAL]),
            )
            for row in (PaymentRow, OutsideTransferRow)
        )
    )
    blocks = [BlockRef(height, block_hash) for height, block_hash in session.execute(found) if block_hash]
    return sorted(blocks, key=lambda each: each.height, reverse=True)


def _take_back(session: Session, gateway: Gateway, code: str, height: int, below: int) -> None:
    row = network_row(session, code)  # locked: the watcher takes nothing in meanwhile
    taken_back = orphan_above(session, gateway, code, height, below=below)
    if taken_back:
        enter(
            session,
            gateway,
            row,
            NetworkStatus.PAUSED,
            f"Blocks {height + 1} to {below - 1} were read again, and the chain has replaced them since they were "
            f"final: {len(taken_back)} final payments were reversed. What it still has of them is credited again. "
            f"Check the chain, then run `cloudpay chains resume {code}`.",
        )
