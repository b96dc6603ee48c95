"""What the engine books of each kind of spend: out of a wallet, or out of a deposit address into the master wallet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from cloudpay.chains.types import DEPOSIT_CHAIN
from cloudpay.ledger.outgoing import (
    Outgoing,
    post_ended_many,
    post_reserve_many,
    post_taken_back,
    post_void_many,
)
from cloudpay.ledger.sweeps import (
    Collection,
    post_collected,
    post_collected_back,
    post_collecting,
    post_not_collected,
)
from cloudpay.ledger.types import AccountKind
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.gas import PURSES

_GOALS: Mapping[SpendKind, AccountKind] = {
    SpendKind.PAYOUT: AccountKind.PAID_OUT,
    SpendKind.TOP_UP: AccountKind.DEPOSITS,
    SpendKind.HOME: AccountKind.MASTER,
    SpendKind.COLD: AccountKind.COLD,
}


def pays_from_deposit(row: Row[Any]) -> bool:
    """Say whether a spend's source is a deposit address, whose own coins pay its fee: nothing is reserved for it."""
    return bool(row.chain == DEPOSIT_CHAIN)


def outgoing(row: Row[Any] | SpendRequest, count: int) -> Outgoing:
    """Answer a spend from a master wallet or a gas wallet as the ledger knows it."""
    purse = PURSES[row.path.chain if isinstance(row, SpendRequest) else row.chain]
    return Outgoing(
        row.id,
        row.merchant_id,
        row.livemode,
        row.network,
        row.asset,
        row.amount,
        row.fee_reserved,
        max(count, 1),
        _GOALS.get(SpendKind(row.kind), purse),  # a gap is filled by what comes back
        purse,
    )


def book_requests(session: Session, requests: Sequence[SpendRequest], now: datetime) -> None:
    """Book that spends are asked for: reserved in the wallet that pays, or on its way from a deposit address.

    Raises `InsufficientFunds`, and books none of them, where that wallet holds less.
    """
    outward = [each for each in requests if each.path.chain != DEPOSIT_CHAIN]
    inward = [each for each in requests if each.path.chain == DEPOSIT_CHAIN]
    post_reserve_many(session, [outgoing(each, 1) for each in outward], now)
    post_collecting(session, [_collection(each, 1) for each in inward], now)


def book_ended(
    session: Session, ended: Sequence[tuple[Row[Any], int]], now: datetime, *, settled: bool
) -> None:
    """Book spends that are final, each with its fee, for the turn that begins with this."""
    ours = [(_collection(row, row.turn + 1), fee) for row, fee in ended if pays_from_deposit(row)]
    others = [(outgoing(row, row.turn + 1), fee) for row, fee in ended if not pays_from_deposit(row)]
    post_collected(session, ours, now, settled=settled)
    post_ended_many(session, others, now, settled=settled)


def book_taken_back(session: Session, row: Row[Any], now: datetime, *, settled: bool) -> None:
    """Book the exact reversal of a spend's last outcome, which a deep reorganisation took back."""
    if pays_from_deposit(row):
        post_collected_back(session, _collection(row, row.turn), row.fee, settled, now)
    else:
        post_taken_back(session, outgoing(row, row.turn), row.fee, settled, now)


def book_void(session: Session, rows: Iterable[Row[Any]], now: datetime) -> None:
    """Book that spends will never be on the chain: what was promised to them, or on its way, is where it was."""
    found = list(rows)
    post_not_collected(session, [_collection(row, 1) for row in found if pays_from_deposit(row)], now)
    post_void_many(session, [outgoing(row, 1) for row in found if not pays_from_deposit(row)], now)


def _collection(row: Row[Any] | SpendRequest, count: int) -> Collection:
    # A spend to its own address moves nothing but its fee.
    amount = row.amount if row.kind == SpendKind.SWEEP else 0
    return Collection(row.id, row.merchant_id, row.livemode, row.network, row.asset, amount, max(count, 1))
