"""The bookings of money at deposit addresses that somebody moved past the gateway."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

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


def _reference(moved: Moved) -> str:
    return f"moved:{moved.transfer_id}:{moved.count}"


def _lines(moved: Moved, *, leaves: bool) -> tuple[Line, Line]:
    def line(kind: AccountKind, side: Side) -> Line:
        key = AccountKey(moved.merchant_id, moved.livemode, moved.network, moved.asset, kind)
        return Line(key, side, moved.amount)

    side = Side.CREDIT if leaves else Side.DEBIT
    return line(AccountKind.DEPOSITS, side), line(AccountKind.FUNDING, side.other)
