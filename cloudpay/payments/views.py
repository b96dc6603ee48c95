"""Payments and networks as other capabilities and people see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from cloudpay.payments.models import PaymentRow
from cloudpay.payments.nodes import NodeView
from cloudpay.payments.states import NetworkStatus, PaymentStatus


@dataclass(frozen=True)
class PaymentView:
    """One incoming transfer; `tx_hash` is None when it was inferred from a balance."""

    id: str
    invoice_id: str
    network: str
    asset: str
    tx_hash: str | None
    address: str
    sender: str | None
    amount: int
    status: PaymentStatus
    confirmations: int
    block_height: int
    block_time: datetime
    first_seen_at: datetime
    final_at: datetime | None

    def was_on_time(self, expires_at: datetime) -> bool:
        """Say whether it was seen, or its block was made, at or before the expiry."""
        return self.first_seen_at <= expires_at or self.block_time <= expires_at


@dataclass(frozen=True)
class CatchUp:
    """How far a network that fell behind has come: from a height to a height, in whole percent, and done when."""

    first: int
    last: int
    percent: int
    done_at: datetime | None


@dataclass(frozen=True)
class NetworkView:
    """How one network is doing: heights, lag in blocks behind the head, and why it is not active.

    `waiting` payments are in final blocks and not credited: they wait for a balance, or for a second node.
    """

    code: str
    status: NetworkStatus
    reason: str
    head: int | None
    final: int | None
    cursor: int | None
    finality: str | None
    node: str | None
    answered_at: datetime | None
    polled_at: datetime | None
    gaps: int
    catching_up: CatchUp | None = None
    age: int | None = None
    """Seconds since the head last moved."""
    nodes: tuple[NodeView, ...] = ()
    waiting: int = 0

    @property
    def lag(self) -> int | None:
        """Blocks between what was read and the head."""
        return None if self.head is None or self.cursor is None else max(0, self.head - self.cursor)


def payment_view(row: PaymentRow | Row[*tuple[Any, ...]], head: int | None) -> PaymentView:
    """Show a row; confirmations are counted up to the newest block that was read."""
    counted = head - row.block_height + 1 if head is not None and row.status != PaymentStatus.ORPHANED else 0
    return PaymentView(
        id=row.id,
        invoice_id=row.invoice_id,
        network=row.network,
        asset=row.asset,
        tx_hash=None if row.tx_id.startswith(BALANCE_PREFIX) else row.tx_id,
        address=row.address,
        sender=row.sender,
        amount=row.amount,
        status=PaymentStatus(row.status),
        confirmations=max(0, counted),
        block_height=row.block_height,
        block_time=row.block_time,
        first_seen_at=row.first_seen_at,
        final_at=row.final_at,
    )


BALANCE_PREFIX = "balance:"
"""Stands before a block hash where a payment was inferred from a balance and no transaction is known."""
