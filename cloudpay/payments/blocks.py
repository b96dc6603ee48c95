"""The blocks that were read: their hashes say whether the chain is still the one that payments were found on."""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from cloudpay.chains.types import Header
from cloudpay.payments.models import BlockRow

KEPT = 2_048
"""Blocks kept below the newest one: how deep a reorganisation can be followed back."""


def keep(session: Session, network: str, headers: Sequence[Header], node: str = "") -> None:
    """Store headers, with the node that told them, and forget those that are far below."""
    rows = [
        {
            "network": network,
            "height": each.height,
            "hash": each.hash,
            "parent": each.parent,
            "time": each.time,
            "node": node or None,
        }
        for each in headers
    ]
    session.execute(insert(BlockRow), rows)
    top = headers[-1].height
    if top % 64 < len(headers):  # now and then is enough
        session.execute(delete(BlockRow).where(BlockRow.network == network, BlockRow.height < top - KEPT))


def forget_above(session: Session, network: str, height: int) -> None:
    """Drop what is no longer on the chain."""
    session.execute(delete(BlockRow).where(BlockRow.network == network, BlockRow.height > height))


def lowest(session: Session, network: str) -> int:
    """Answer the lowest stored height, 0 when nothing is stored."""
    return session.scalar(select(func.min(BlockRow.height)).where(BlockRow.network == network)) or 0


def hash_at(session: Session, network: str, height: int) -> str | None:
    """Answer the stored hash at a height."""
    return session.scalar(select(BlockRow.hash).where(BlockRow.network == network, BlockRow.height == height))


def at_heights(session: Session, network: str, heights: Collection[int]) -> Mapping[int, Header]:
    """Answer those of these blocks that are stored, by height."""
    rows = session.scalars(select(BlockRow).where(BlockRow.network == network, BlockRow.height.in_(heights)))
    return {row.height: Header(row.height, row.hash, row.parent, row.time) for row in rows}


def tellers(session: Session, network: str, first: int, last: int) -> frozenset[str]:
    """Answer the nodes that told these blocks; those of a range are told by whoever told the next one stored."""
    above = select(func.min(BlockRow.height)).where(BlockRow.network == network, BlockRow.height >= last)
    end = session.scalar(above) or last
    nodes = select(BlockRow.node).where(BlockRow.network == network, BlockRow.height.between(first, end))
    return frozenset(filter(None, session.scalars(nodes.distinct())))


def newest_until(session: Session, network: str, moment: datetime) -> Header | None:
    """Answer the newest stored block that was made at or before a moment."""
    row = session.scalar(
        select(BlockRow)
        .where(BlockRow.network == network, BlockRow.time <= math.floor(moment.timestamp()))
        .order_by(BlockRow.height.desc())
        .limit(1)
    )
    return None if row is None else Header(row.height, row.hash, row.parent, row.time)


def count_gaps(session: Session, network: str) -> int:
    """Count heights that are missing between the stored ones: read as a range below the final block."""
    heights = select(func.min(BlockRow.height), func.max(BlockRow.height), func.count())
    low, high, count = session.execute(heights.where(BlockRow.network == network)).one()
    return high - low + 1 - count if count else 0
