"""The bookings of incoming money: a final payment, and its reversal when a deep reorganisation takes it back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from cloudpay.ledger.service import post
from cloudpay.ledger.types import AccountKey, AccountKind, Line, Side


@dataclass(frozen=True)
class Receipt:
    """One crediting of a payment; `count` tells a payment that was credited again from its first crediting."""

    payment_id: str
    count: int
    merchant_id: str
    livemode: bool
    network: str
    asset: str
    amount: int


def post_receipt(session: Session, receipt: Receipt, now: datetime) -> bool:
    """Book a final payment: coins at a deposit address, owed to the merchant. False when it was booked before."""
    reference = f"payment:{receipt.payment_id}:{receipt.count}"
    return post(session, "receipt", reference, _lines(receipt, Side.DEBIT), now)


def post_reversal(session: Session, receipt: Receipt, now: datetime) -> bool:
    """Book a credited payment back out; False when that was booked before."""
    reference = f"payment:{receipt.payment_id}:{receipt.count}:reversed"
    return post(session, "reversal", reference, _lines(receipt, Side.CREDIT), now)


def _lines(receipt: Receipt, held: Side) -> tuple[Line, Line]:
    def line(kind: AccountKind, side: Side) -> Line:
        key = AccountKey(receipt.merchant_id, receipt.livemode, receipt.network, receipt.asset, kind)
        return Line(key, side, receipt.amount)

    return line(AccountKind.DEPOSITS, held), line(AccountKind.RECEIPTS, held.other)
