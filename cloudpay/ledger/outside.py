"""The bookings of money at deposit addresses that somebody moved past the gateway, and what lies in master wallets."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.ledger.models import LedgerAccountRow
from cloudpay.ledger.service import post
from cloudpay.ledger.types import AccountKey, AccountKind, Line, Side


@dataclass(frozen=True)
class Moved:
    """Money that left a deposit address, or came to it, by a transfer that is no payment and none of our spends.

    `count` tells the turns of its booking apart, where deep reorganisations take it back.
    """

    transfer_id: str
    count: int
    merchant_id: str
    livemode: bool
    network: str
    asset: str
    amount: int
    leaves: bool


def post_moved(session: Session, moved: Moved, now: datetime) -> bool:
    """Book what was moved, as gone outside or come from there; False when it was booked before."""
    return post(session, "moved", _reference(moved), _lines(moved, leaves=moved.leaves), now)


def post_moved_reversed(session: Session, moved: Moved, now: datetime) -> bool:
    """Book the exact reversal of `post_moved`."""
    lines = _lines(moved, leaves=not moved.leaves)
    return post(session, "moved_reversed", f"{_reference(moved)}:reversed", lines, now)


def in_masters(session: Session, network: str, asset: str) -> Mapping[tuple[str, bool], int]:
    """Answer by merchant and mode what is booked to lie in its master wallet, promised or free, in base units."""
    row = LedgerAccountRow
    found = session.execute(
        select(row.merchant_id, row.livemode, row.debits, row.credits).where(
            row.network == network,
            row.asset == asset,
            row.kind.in_([AccountKind.MASTER.value, AccountKind.RESERVED.value]),
        )
    )
    held: defaultdict[tuple[str, bool], int] = defaultdict(int)
    for merchant_id, livemode, debits, credits_ in found:
        held[merchant_id, livemode] += debits - credits_
    return held


def _reference(moved: Moved) -> str:
    return f"moved:{moved.transfer_id}:{moved.count}"


def _lines(moved: Moved, *, leaves: bool) -> tuple[Line, Line]:
    def line(kind: AccountKind, side: Side) -> Line:
        key = AccountKey(moved.merchant_id, moved.livemode, moved.network, moved.asset, kind)
        return Line(key, side, moved.amount)

    side = Side.CREDIT if leaves else Side.DEBIT
    return line(AccountKind.DEPOSITS, side), line(AccountKind.FUNDING, side.other)
