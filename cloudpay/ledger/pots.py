"""What the ledger says lies where: the accounts of money that is ours, by the place in which it is on the chain."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.ledger.models import LedgerAccountRow
from cloudpay.ledger.types import AccountKind


class Place(StrEnum):
    """Which addresses of a merchant hold it."""

    MASTER = "master"
    DEPOSITS = "deposits"
    GAS_STATION = "gas_station"  # one of its own; the master wallet's coins lie in the master wallet


@dataclass(frozen=True, order=True)
class Pot:
    """All that a merchant has of one asset of a network in one place; `asset` as in `AccountKey`."""

    merchant_id: str
    livemode: bool
    asset: str
    place: Place


class Surety(StrEnum):
    """How much is known of a change that is not booked."""

    SURE = "sure"
    MAYBE = "maybe"  # all of it has happened by the block in question, or nothing
    PARTLY = "partly"  # any part of it may have


@dataclass(frozen=True)
class Change:
    """What the chain has moved into a pot, and the ledger has not booked; below zero out of it, in base units."""

    pot: Pot
    amount: int
    surety: Surety = Surety.SURE


_PLACES: Mapping[str, Place] = {
    AccountKind.MASTER.value: Place.MASTER,
    AccountKind.RESERVED.value: Place.MASTER,
    AccountKind.GAS.value: Place.GAS_STATION,
    AccountKind.GAS_RESERVED.value: Place.GAS_STATION,
    AccountKind.DEPOSITS.value: Place.DEPOSITS,
    # What is collected leaves its address when its transaction is in a block, and is booked when that is final.
    AccountKind.TRANSIT.value: Place.DEPOSITS,
}


def booked(session: Session, network: str) -> Mapping[Pot, int]:
    """Answer what is booked to lie in every pot of a network, in base units."""
    row, held = LedgerAccountRow, defaultdict[Pot, int](int)
    found = select(row.merchant_id, row.livemode, row.asset, row.kind, row.debits, row.credits).where(
        row.network == network, row.kind.in_(_PLACES)
    )
    for merchant_id, livemode, asset, kind, debits, credits_ in session.execute(found):
        held[Pot(merchant_id, livemode, asset, _PLACES[kind])] += debits - credits_
    return held
