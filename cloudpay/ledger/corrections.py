"""Bookings that a person makes: what lies somewhere, or is gone, by no transfer that anybody could find."""

import hashlib
from datetime import datetime

from sqlalchemy.orm import Session

from cloudpay.ledger.lines import moved, swapped
from cloudpay.ledger.pots import Place, Pot
from cloudpay.ledger.service import post
from cloudpay.ledger.types import AccountKind

_KINDS = {
    Place.MASTER: AccountKind.MASTER,
    Place.GAS_STATION: AccountKind.GAS,
    Place.DEPOSITS: AccountKind.DEPOSITS,
}


def post_correction(
    session: Session, network: str, height: int, pot: Pot, amount: int, now: datetime
) -> bool:
    """Book `amount` as come from outside or, below zero, gone there; False when it was booked for that block before."""
    owner = (pot.merchant_id, pot.livemode, network)
    lines = moved(owner, pot.asset, abs(amount), AccountKind.FUNDING, _KINDS[pot.place])
    if amount < 0:
        lines = swapped(lines)
    which = f"{pot.merchant_id}:{pot.livemode}:{pot.place.value}:{pot.asset}"
    reference = f"correction:{network}:{height}:{hashlib.sha256(which.encode()).hexdigest()}"
    return post(session, "correction", reference, lines, now)
