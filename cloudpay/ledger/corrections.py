"""Bookings that a person makes: what lies somewhere, or is gone, by no transfer that anybody could find."""

import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from cloudpay.ledger.pots import Place, Pot
from cloudpay.ledger.service import post
from cloudpay.ledger.types import AccountKey, AccountKind, Line, Side

_KINDS = {Place.MASTER: AccountKind.MASTER, Place.DEPOSITS: AccountKind.DEPOSITS}


def post_correction(
    session: Session, network: str, height: int, pot: Pot, amount: int, now: datetime
) -> bool:
    """Book `amount` as come from outside or, below zero, gone there; False when it was booked for that block before."""

    def line(kind: AccountKind, side: Side) -> Line:
        key = AccountKey(pot.merchant_id, pot.livemode, network, pot.asset, kind)
        return Line(key, side, abs(amount))

    side = Side.DEBIT if amount > 0 else Side.CREDIT
    lines = (line(_KINDS[pot.place], side), line(AccountKind.FUNDING, side.other))
    which = f"{pot.merchant_id}:{pot.livemode}:{pot.place.value}:{pot.asset}"
    reference = f"correction:{network}:{height}:{hashlib.sha256(which.encode()).hexdigest()}"
    return post(session, "correction", reference, lines, now)
