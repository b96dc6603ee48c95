"""The bookings of what is collected from deposit addresses: under way, arrived, reverted, taken back by the chain.

Such a spend pays its fee from the coins of its own address. What a top-up or a cold transfer takes from a wallet is
booked like a payout (`ledger.outgoing`), with another goal.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.ledger.lines import moved, swapped
from cloudpay.ledger.models import LedgerAccountRow
from cloudpay.ledger.service import post_many
from cloudpay.ledger.types import AccountKind, Booking, Line

_NATIVE = ""


@dataclass(frozen=True)
class Collection:
    """What a spend takes from a deposit address to the master wallet, in base units; 0 where it only pays a fee.

    `asset` is the contract, or empty for the native coin. `count` tells the turns of a spend that a deep
    reorganisation took back from each other.
    """

    spend_id: str
    merchant_id: str
    livemode: bool
    network: str
    asset: str
    amount: int
    count: int = 1


def post_collecting(session: Session, collections: Sequence[Collection], now: datetime) -> frozenset[str]:
    """Book these amounts as on their way to the master wallet; answer what was new."""
    return _post(
        session, "collecting", [(f"{_name(each)}:collecting", _begun(each)) for each in collections], now
    )


def post_not_collected(session: Session, collections: Sequence[Collection], now: datetime) -> frozenset[str]:
    """Book the exact reversal of `post_collecting`, of spends that will never be on the chain; answer what was new."""
    undone = [(f"{_name(each)}:voided", swapped(_begun(each))) for each in collections]
    return _post(session, "not_collected", undone, now)


def post_collected(
    session: Session, ended: Sequence[tuple[Collection, int]], now: datetime, *, settled: bool
) -> frozenset[str]:
    """Book what is final, each with its fee: arrived in the master wallet or, reverted, still at its address."""
    outcome = "collected" if settled else "reverted"
    return _post(
        session, outcome, [(_turn(each, outcome), _ended(each, fee, settled)) for each, fee in ended], now
    )


def post_collected_back(
    session: Session, collection: Collection, fee: int, settled: bool, now: datetime
) -> bool:
    """Book the exact reversal of `post_collected`: the amount is on its way again, the fee not paid."""
    reference = f"{_turn(collection, 'collected' if settled else 'reverted')}:reversed"
    return bool(_post(session, "taken_back", [(reference, swapped(_ended(collection, fee, settled)))], now))


def at_deposits(session: Session, network: str) -> Mapping[str, Mapping[str, int]]:
    """Answer by merchant and asset what is booked to lie at deposit addresses of a network, in base units."""
    row, held = LedgerAccountRow, defaultdict[str, dict[str, int]](dict)
    found = select(row.merchant_id, row.asset, row.debits, row.credits).where(
        row.network == network, row.kind == AccountKind.DEPOSITS.value
    )
    for merchant_id, asset, debits, credits_ in session.execute(found):
        held[merchant_id][asset] = debits - credits_
    return held


def _post(
    session: Session, kind: str, booked: Sequence[tuple[str, tuple[Line, ...]]], now: datetime
) -> frozenset[str]:
    return post_many(session, [Booking(kind, reference, lines) for reference, lines in booked if lines], now)


def _begun(collection: Collection) -> tuple[Line, ...]:
    return _moved(collection, collection.asset, collection.amount, AccountKind.DEPOSITS, AccountKind.TRANSIT)


def _ended(collection: Collection, fee: int, settled: bool) -> tuple[Line, ...]:
    goal = AccountKind.MASTER if settled else AccountKind.DEPOSITS
    return (
        *_moved(collection, collection.asset, collection.amount, AccountKind.TRANSIT, goal),
        *_moved(collection, _NATIVE, fee, AccountKind.DEPOSITS, AccountKind.FEES),
    )


def _moved(
    collection: Collection, asset: str, amount: int, source: AccountKind, goal: AccountKind
) -> tuple[Line, ...]:
    return moved(
        (collection.merchant_id, collection.livemode, collection.network), asset, amount, source, goal
    )


def _name(collection: Collection) -> str:
    return f"spend:{collection.spend_id}"


def _turn(collection: Collection, outcome: str) -> str:
    return f"{_name(collection)}:{outcome}:{collection.count}"
