"""What is asked for, and what a payout and a batch look like from outside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.money import format_amount
from cloudpay.payouts.states import BatchStatus, PayoutStatus


@dataclass(frozen=True, slots=True)
class NewItem:
    """One payout as it was asked for: codes in small letters, symbols in capitals, nothing filled in."""

    external_id: str
    address: str
    amount: Decimal
    network: str | None = None
    currency: str | None = None
    tier: FeeTier | None = None
    memo: str | None = None


@dataclass(frozen=True, slots=True)
class NewBatch:
    """Payouts that are asked for together; `network`, `currency` and `tier` hold for items that name none.

    `single` is one that came alone, and `lines` say where in a file each item stood: only the names of wrong fields
    differ.
    """

    items: tuple[NewItem, ...]
    auto_confirm: bool = False
    callback_url: str | None = None
    network: str | None = None
    currency: str | None = None
    tier: FeeTier | None = None
    dry_run: bool = False
    single: bool = False
    lines: tuple[int, ...] = ()

    def field_of(self, number: int, name: str) -> str:
        """What a field of an item is called in errors."""
        if self.single:
            return name
        return f"lines.{self.lines[number]}.{name}" if self.lines else f"items.{number}.{name}"

    def name_of(self, number: int) -> str:
        """What a sentence calls an item."""
        return f"Line {self.lines[number]}" if self.lines else f"Item {number}"


@dataclass(frozen=True, slots=True)
class PayoutView:
    """One payout; the fields are those of its row."""

    id: str
    batch_id: str
    position: int
    merchant_id: str
    livemode: bool
    external_id: str
    content_hash: str
    status: PayoutStatus
    network: str
    asset: str
    symbol: str
    decimals: int
    address: str
    amount: int
    tier: FeeTier
    memo: str | None
    fee_reserved: int
    created_at: datetime
    fee: int | None = None
    tx_id: str | None = None
    reason: str = ""
    queued_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def shown_amount(self) -> str:
        """The amount as a decimal."""
        return format_amount(self.amount, self.decimals)


@dataclass(frozen=True)
class BatchView:
    """A batch and its payouts, in the order in which they were asked for."""

    id: str
    merchant_id: str
    livemode: bool
    status: BatchStatus
    auto_confirm: bool
    callback_url: str | None
    approvals_needed: int
    created_at: datetime
    completed_at: datetime | None
    payouts: tuple[PayoutView, ...]


@dataclass(frozen=True)
class Total:
    """What the payouts of a batch move of one asset, and what is reserved for their fees in the native coin."""

    network: str
    asset: str
    symbol: str
    decimals: int
    count: int
    amount: int
    fee: int


_FIELDS = attrgetter(*PayoutView.__slots__)
_STATUS, _TIER = PayoutView.__slots__.index("status"), PayoutView.__slots__.index("tier")


def payout_view(row: Any) -> PayoutView:
    """Answer a payout from its row, or from the plain columns of one."""
    values = list(_FIELDS(row))
    values[_STATUS], values[_TIER] = PayoutStatus(values[_STATUS]), FeeTier(values[_TIER])
    return PayoutView(*values)


def payout_values(payout: PayoutView) -> dict[str, Any]:
    """Answer the columns of a payout's row."""
    values = {name: getattr(payout, name) for name in PayoutView.__slots__}
    return {**values, "status": payout.status.value, "tier": payout.tier.value}


def batch_view(row: Any, payouts: Iterable[PayoutView]) -> BatchView:
    """Answer a batch from its row."""
    return BatchView(
        id=row.id,
        merchant_id=row.merchant_id,
        livemode=row.livemode,
        status=batch_status(row.awaiting, row.open),
        auto_confirm=row.auto_confirm,
        callback_url=row.callback_url,
        approvals_needed=row.approvals_needed,
        created_at=row.created_at,
        completed_at=row.completed_at,
        payouts=tuple(payouts),
    )


def as_accepted(batch: BatchView, accepted_as: PayoutStatus, approvals_needed: int) -> BatchView:
    """Answer the batch as it was answered first, whatever has become of it: who asks again is told the same."""
    waiting = accepted_as is PayoutStatus.AWAITING_CONFIRMATION
    payouts = (
        replace(
            each,
            status=accepted_as,
            fee=None,
            tx_id=None,
            reason="",
            queued_at=None if waiting else batch.created_at,
            ended_at=None,
        )
        for each in batch.payouts
    )
    status = BatchStatus.AWAITING_CONFIRMATION if waiting else BatchStatus.PROCESSING
    return replace(
        batch, status=status, approvals_needed=approvals_needed, completed_at=None, payouts=tuple(payouts)
    )


def batch_status(awaiting: int, still_open: int) -> BatchStatus:
    """Answer where a batch stands, by how many of its payouts wait and how many have not ended."""
    if still_open == 0:
        return BatchStatus.COMPLETED
    return BatchStatus.AWAITING_CONFIRMATION if awaiting else BatchStatus.PROCESSING


def totals(payouts: Sequence[PayoutView]) -> tuple[Total, ...]:
    """Answer what these move, asset by asset."""
    grouped: dict[tuple[str, str], list[PayoutView]] = {}
    for each in payouts:
        grouped.setdefault((each.network, each.asset), []).append(each)
    return tuple(
        Total(
            network=network,
            asset=asset,
            symbol=found[0].symbol,
            decimals=found[0].decimals,
            count=len(found),
            amount=sum(each.amount for each in found),
            fee=sum(each.fee_reserved for each in found),
        )
        for (network, asset), found in sorted(grouped.items())
    )


def needed(sums: Iterable[Total]) -> Mapping[tuple[str, str], int]:
    """Answer what a master wallet must hold by (network, asset): amounts in their assets, fees in the native coin."""
    wanted: dict[tuple[str, str], int] = {}
    for each in sums:
        for asset, amount in ((each.asset, each.amount), ("", each.fee)):
            wanted[each.network, asset] = wanted.get((each.network, asset), 0) + amount
    return wanted
