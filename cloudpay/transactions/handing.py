"""Signed bytes go to the nodes: first into the journal, then out, then what was answered is written down."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.spending import Answer, Broadcast, Signed
from cloudpay.kernel.db import table_of
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.transactions.changes import Selection, change_spends
from cloudpay.transactions.journal import Entry
from cloudpay.transactions.models import TransactionRow
from cloudpay.transactions.rows import ATTEMPT, claims_by_transaction, spends_by_transaction
from cloudpay.transactions.states import SpendStatus, TransactionStatus
from cloudpay.transactions.station import Station

AT_ONCE = 200
"""Transactions that are signed, handed over or looked at in one go: what a pass holds in memory."""

_TRANSACTION = table_of(TransactionRow)
_ALIVE = (TransactionStatus.OPEN.value, TransactionStatus.INCLUDED.value)
_REASON_LETTERS = 500
_log = get_logger(__name__)

_ANSWERED = (
    update(ATTEMPT)
    .where(ATTEMPT.c.network == bindparam("of_network"), ATTEMPT.c.tx_id == bindparam("of_tx_id"))
    .values(handed_at=bindparam("at"), answer=bindparam("told"), answer_reason=bindparam("why"))
)


def hand_over(station: Station) -> int:
    """Broadcast what was signed and committed and never handed to a node, oldest first; answer how many.

    After a crash that is where the sender goes on: the same bytes (fault F50). Raises `JournalFailed`, and
    `SendingFrozen` where somebody has frozen it since.
    """
    handed = 0
    while found := _fresh(station):
        _write_down(station, found)
        passing(Failpoint.SEND_JOURNALLED)
        _broadcast(station, found)
        handed += len(found)
    return handed


def hand_again(station: Station, transactions: Sequence[str]) -> None:
    """Broadcast the newest attempt of these once more: nodes forget, and some never heard of it (faults F51, F58).

    Raises `SendingFrozen` where somebody has frozen it since.
    """
    for start in range(0, len(transactions), AT_ONCE):
        newest = _newest(station, transactions[start : start + AT_ONCE])
        if newest:
            _broadcast(station, newest)
            passing(Failpoint.SEND_REPEATED)


def _newest(station: Station, transactions: Sequence[str]) -> Sequence[Any]:
    newest: dict[str, Any] = {}
    with station.gateway.db.read() as session:
        found = select(ATTEMPT.c.tx_id, ATTEMPT.c.raw, ATTEMPT.c.transaction_id).where(
            ATTEMPT.c.transaction_id.in_(transactions), ATTEMPT.c.handed_at.is_not(None)
        )
        for row in session.execute(found.order_by(ATTEMPT.c.transaction_id, ATTEMPT.c.number)):
            newest[row.transaction_id] = row
    return list(newest.values())


def _fresh(station: Station) -> Sequence[Any]:
    statement = (
        select(ATTEMPT.c.tx_id, ATTEMPT.c.raw, ATTEMPT.c.transaction_id, ATTEMPT.c.signed_at)
        .join_from(ATTEMPT, _TRANSACTION, ATTEMPT.c.transaction_id == _TRANSACTION.c.id)
        .where(
            ATTEMPT.c.network == station.network.code,
            ATTEMPT.c.handed_at.is_(None),
            _TRANSACTION.c.status.in_(_ALIVE),
        )
        .order_by(ATTEMPT.c.transaction_id, ATTEMPT.c.number)
        .limit(AT_ONCE)
    )
    with station.gateway.db.read() as session:
        return session.execute(statement).all()


def _write_down(station: Station, found: Sequence[Any]) -> None:
    """Have the ids in the journal, on disk; those that a crash left there already are written again, to no harm."""
    transactions = {row.transaction_id for row in found}
    with station.gateway.db.read() as session:
        claims = claims_by_transaction(session, transactions)
        spends = spends_by_transaction(session, transactions)
    station.journal.append(
        [
            Entry(
                station.network.code,
                row.tx_id,
                tuple(sorted(claims[row.transaction_id])),
                row.signed_at,
                tuple(each.id for each in spends.get(row.transaction_id, ())),
            )
            for row in found
        ]
    )


def _broadcast(station: Station, found: Sequence[Any]) -> None:
    with station.gateway.db.read() as session:
        station.require_thawed(session)  # a freeze holds from the moment at which it was said
    answers = station.adapter.broadcast([Signed(row.tx_id, row.raw) for row in found])
    passing(Failpoint.SEND_BROADCAST)
    told = [(row.tx_id, row.transaction_id, answer) for row, answer in zip(found, answers, strict=True)]
    for tx_id, _transaction, answer in told:
        if answer.outcome in (Broadcast.REJECTED, Broadcast.UNKNOWN):
            _log.warning(
                "broadcast_not_taken",
                network=station.network.code,
                tx_id=tx_id,
                outcome=answer.outcome.name.lower(),
                reason=answer.reason,
            )
    station.renew()
    station.gateway.db.run(lambda session: _record(session, station, told))
    passing(Failpoint.SEND_ANSWERED)


def _record(session: Session, station: Station, told: Sequence[tuple[str, str, Answer]]) -> None:
    """Neither REJECTED nor UNKNOWN means failed: it is written down, and the chain is asked again (faults F52-F55)."""
    station.fence(session)
    now = station.gateway.clock.now(session)
    rows = [
        {
            "of_network": station.network.code,
            "of_tx_id": tx_id,
            "at": now,
            "told": answer.outcome.name.lower(),
            "why": answer.reason[:_REASON_LETTERS],
        }
        for tx_id, _transaction, answer in told
    ]
    session.connection().execute(_ANSWERED, rows)
    taken = [
        transaction
        for _tx_id, transaction, answer in told
        if answer.outcome in (Broadcast.ACCEPTED, Broadcast.KNOWN)
    ]
    change_spends(
        session,
        station.gateway,
        Selection(transactions=taken),
        [SpendStatus.SENDING],
        SpendStatus.SENT,
    )
