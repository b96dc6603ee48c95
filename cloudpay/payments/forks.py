"""Where a chain that was reorganised leaves what was read: the newest stored block that it still holds."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.types import BlockRef
from cloudpay.payments.models import BlockRow


def stored_below(session: Session, network: str, height: int) -> list[BlockRef]:
    """Answer all stored blocks below a height, newest first."""
    rows = session.execute(
        select(BlockRow.height, BlockRow.hash)
        .where(BlockRow.network == network, BlockRow.height < height)
        .order_by(BlockRow.height.desc())
    )
    return [BlockRef(*row) for row in rows]


def newest_held(blocks: Sequence[BlockRef], holds: Callable[[BlockRef], bool]) -> BlockRef | None:
    """Answer the first block, of those given newest first, that the chain holds; None when it holds none.

    What a chain holds, it holds all the way down. So a reorganisation 160 blocks deep takes some fifteen questions.
    """
    missing, step = -1, 1  # of what has been asked, the last that the chain does not hold
    while (probe := missing + step) < len(blocks) and not holds(blocks[probe]):
        missing, step = probe, step * 2
    low, high = missing + 1, min(probe, len(blocks))
    found = bisect_left(range(low, high), True, key=lambda index: holds(blocks[index])) + low
    return blocks[found] if found < len(blocks) else None
