"""What the books and the chain may rightly differ by at a block, of what we sent ourselves."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import TxState
from cloudpay.kernel.db import refuse_inside_transaction, table_of
from cloudpay.ledger.pots import Change, Place, Pot
from cloudpay.transactions.handing import AT_ONCE
from cloudpay.transactions.models import TransactionRow
from cloudpay.transactions.outcomes import FINAL
from cloudpay.transactions.rows import ATTEMPT, SPEND
from cloudpay.transactions.states import UNDECIDED, TransactionStatus
from cloudpay.transactions.types import SpendKind
from cloudpay.wallets.gas import PLACES

_TRANSACTION = table_of(TransactionRow)
_GOALS: Mapping[str, Place] = {
    SpendKind.SWEEP: Place.MASTER,
    SpendKind.TOP_UP: Place.DEPOSITS,
    SpendKind.HOME: Place.MASTER,
}
"""Where the recipient of a kind of spend belongs to the merchant itself; all others are paid out."""

Carried = Mapping[str, Sequence[Row[Any]]]


@dataclass(frozen=True)
class Unbooked:
    """Transactions of which nothing is booked yet: every id by which one may be in a block, and what it carries."""

    attempts: Mapping[str, str]
    carried: Carried


def booked_later(session: Session, network: str, height: int) -> Iterator[Change]:
    """Answer, taken back, what is booked of transactions in blocks above a height."""
    columns = _TRANSACTION.c
    later = (columns.status.in_([each.value for each in FINAL]), columns.block_height > height)
    settled = select(columns.id, columns.status).where(columns.network == network, *later)
    statuses = dict(session.execute(settled).all())
    if statuses:
        for transaction_id, rows in _carried(session, network, *later).items():
            fee = sum(row.fee or 0 for row in rows)
            succeeded = statuses[transaction_id] == TransactionStatus.SETTLED
            for change in _effect(rows, fee, succeeded=succeeded):
                yield Change(change.pot, -change.amount)


def unbooked(session: Session, network: str) -> Unbooked:
    """Answer every transaction that has not come to an end by the books."""
    columns = _TRANSACTION.c
    undecided = columns.status.in_([each.value for each in UNDECIDED])
    attempts = (
        select(ATTEMPT.c.tx_id, ATTEMPT.c.transaction_id)
        .join(_TRANSACTION, columns.id == ATTEMPT.c.transaction_id)
        .where(columns.network == network, undecided)
    )
    return Unbooked(dict(session.execute(attempts).all()), _carried(session, network, undecided))


def included(gateway: Gateway, network: str, waiting: Unbooked, height: int) -> list[Change]:
    """Ask the chain what those have changed in blocks up to a final one; nothing is asked where none waits.

    A transaction that is in no block up to a final one will never be. Raises `NodeUnavailable`.
    """
    refuse_inside_transaction("included")
    ids, found = sorted(waiting.attempts), list[Change]()
    for start in range(0, len(ids), AT_ONCE):
        told = gateway.chains.adapter(network).statuses(ids[start : start + AT_ONCE])
        if told.final.height < height:
            raise NodeUnavailable(network, f"it has not come to block {height} yet")
        for tx_id, status in told.by_id.items():
            if status.block is not None and status.block.height <= height:
                rows = waiting.carried.get(waiting.attempts[tx_id], ())
                found += _effect(rows, status.fee or 0, succeeded=status.state is TxState.SUCCEEDED)
    return found


def _carried(session: Session, network: str, *which: Any) -> Carried:
    carried: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    rows = (
        select(*SPEND.c)
        .join(_TRANSACTION, _TRANSACTION.c.id == SPEND.c.transaction_id)
        .where(_TRANSACTION.c.network == network, *which)
        .order_by(SPEND.c.id)
    )
    for row in session.execute(rows):
        carried[row.transaction_id].append(row)
    return carried


def _effect(rows: Sequence[Row[Any]], fee: int, *, succeeded: bool) -> Iterator[Change]:
    """Answer what a transaction in a block changes at addresses of ours: its fee whatever became of it."""
    for number, row in enumerate(rows):
        place = PLACES[row.chain]
        if number == 0:
            yield Change(Pot(row.merchant_id, row.livemode, "", place), -fee)
        if succeeded and row.recipient != row.source:
            yield Change(Pot(row.merchant_id, row.livemode, row.asset, place), -row.amount)
            if row.kind in _GOALS:
                yield Change(Pot(row.merchant_id, row.livemode, row.asset, _GOALS[row.kind]), row.amount)
