"""What a look at the chain has shown is written down: transactions, spends, bookings and events in one commit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import TxStatus
from cloudpay.kernel.db import table_of
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.outbox.service import append_many
from cloudpay.transactions.bookings import book_ended, book_taken_back, book_void, pays_from_deposit
from cloudpay.transactions.changes import CHANGED, payload, wake_waiting
from cloudpay.transactions.models import TransactionRow
from cloudpay.transactions.rows import SPEND, spends_by_transaction
from cloudpay.transactions.states import SPEND as SPEND_STATES
from cloudpay.transactions.states import TRANSACTION, SpendStatus, TransactionStatus
from cloudpay.transactions.station import Station
from cloudpay.wallets.own import PaidFee, forget_fees, note_fees

FINAL = frozenset({TransactionStatus.SETTLED, TransactionStatus.REVERTED})
IN_BLOCK = FINAL | {TransactionStatus.INCLUDED}
WATCHES = 4
"""Looks at a final transaction while its network's depth passes once more: a deep reorganisation takes it back."""

_TRANSACTION = table_of(TransactionRow)
_REVERTED = "The transaction was included and reverted: the chain took its fee and moved nothing."

_MOVED = (
    update(_TRANSACTION)
    .where(_TRANSACTION.c.id == bindparam("of"))
    .values(
        status=bindparam("to"),
        block_height=bindparam("height"),
        block_hash=bindparam("hash"),
        look_at=bindparam("look"),
        doubts=bindparam("doubt"),
    )
)
_SPENT = (
    update(SPEND)
    .where(SPEND.c.id == bindparam("of"))
    .values(
        status=bindparam("to"),
        tx_id=bindparam("by"),
        fee=bindparam("cost"),
        block_height=bindparam("height"),
        reason=bindparam("why"),
        turn=bindparam("turns"),
        transaction_id=bindparam("carrier"),
        due_at=bindparam("due"),
    )
)


@dataclass(frozen=True)
class Finding:
    """What a look says of one transaction: its new status, the attempt that is in a block, when to look again."""

    transaction: Row[Any]
    status: TransactionStatus
    included: TxStatus | None = None
    look_at: int | None = None
    doubts: int = 0

    @property
    def height(self) -> int | None:
        """The height of its block."""
        return self.included.block.height if self.included and self.included.block else None


@dataclass
class _Books:
    """Spends that have ended, each with its fee, to be booked together; fees that deposit addresses paid."""

    settled: list[tuple[Row[Any], int]] = field(default_factory=list)
    reverted: list[tuple[Row[Any], int]] = field(default_factory=list)
    fees: list[PaidFee] = field(default_factory=list)


def write_findings(session: Session, station: Station, findings: Sequence[Finding]) -> None:
    """Write down what was found, under the lease."""
    station.fence(session)
    apply_findings(session, station.gateway, findings)


def apply_findings(session: Session, gateway: Gateway, found: Sequence[Finding]) -> int:
    """Write down what was found of transactions that nobody has moved on since; answer how many those were."""
    now = gateway.clock.now(session)
    findings = _unmoved(session, found)
    if not findings:
        return 0
    for each in findings:
        if each.status != each.transaction.status:
            TRANSACTION.check(TransactionStatus(each.transaction.status), each.status)
    session.connection().execute(_MOVED, [_moved(each) for each in findings])
    carried = spends_by_transaction(session, {each.transaction.id for each in findings})
    books = _Books()
    changes = [
        change
        for finding in findings
        for change in _of_spends(session, finding, carried.get(finding.transaction.id, []), books, now)
    ]
    if not changes:
        return len(findings)
    book_ended(session, books.settled, now, settled=True)
    book_ended(session, books.reverted, now, settled=False)
    note_fees(session, books.fees)
    passing(Failpoint.SEND_BOOKED)
    session.connection().execute(_SPENT, [_spent(row, new) for row, new in changes])
    wake_waiting(session, [row.id for row, new in changes if new["status"] in ("confirmed", "failed")], now)
    moved = [(row, new) for row, new in changes if new["status"] != row.status]
    for row, new in moved:
        SPEND_STATES.check(SpendStatus(row.status), SpendStatus(new["status"]))
    told = [(row.id, payload({**row._mapping, **new})) for row, new in moved]  # noqa: SLF001  # public in SQLAlchemy
    append_many(session, gateway.clock, CHANGED, told)
    passing(Failpoint.SEND_SETTLED)
    return len(findings)


def next_look(depth: int, height: int, final: int) -> int | None:
    """Answer at which final height to look again: a few times until the depth has passed once more."""
    return final + max(1, depth // WATCHES) if final < height + depth else None


def look_again(session: Session, heights: Mapping[int | None, Sequence[str]]) -> None:
    """Note when final transactions whose blocks are still there are looked at again."""
    for height, ids in heights.items():
        final = _TRANSACTION.c.status.in_([each.value for each in FINAL])
        found = update(_TRANSACTION).where(_TRANSACTION.c.id.in_(ids), final)
        session.execute(found.values(look_at=height))


def _unmoved(session: Session, found: Sequence[Finding]) -> list[Finding]:
    """Lock these transactions; drop what a person has decided meanwhile."""
    ids = [each.transaction.id for each in found]
    locked = select(_TRANSACTION.c.id, _TRANSACTION.c.status).where(_TRANSACTION.c.id.in_(ids))
    statuses = dict(session.execute(locked.order_by(_TRANSACTION.c.id).with_for_update()).all())
    return [each for each in found if statuses.get(each.transaction.id) == each.transaction.status]


def _moved(finding: Finding) -> dict[str, Any]:
    block = finding.included.block if finding.included else None
    return {
        "of": finding.transaction.id,
        "to": finding.status.value,
        "height": block.height if block else None,
        "hash": block.hash if block else None,
        "look": finding.look_at,
        "doubt": finding.doubts,
    }


def _spent(row: Row[Any], new: Mapping[str, Any]) -> dict[str, Any]:
    values = {**row._mapping, **new}  # noqa: SLF001  # public in SQLAlchemy
    return {
        "of": row.id,
        "to": values["status"],
        "by": values["tx_id"],
        "cost": values["fee"],
        "height": values["block_height"],
        "why": values["reason"],
        "turns": values["turn"],
        "carrier": values["transaction_id"],
        "due": values["due_at"],
    }


def _of_spends(
    session: Session, finding: Finding, spends: Sequence[Row[Any]], books: _Books, now: datetime
) -> Iterator[tuple[Row[Any], Mapping[str, Any]]]:
    """Book what became of each spend; answer its changed columns."""
    was, becomes = TransactionStatus(finding.transaction.status), finding.status
    fees = _shares(finding.included.fee or 0 if finding.included else 0, len(spends))
    for row, fee in zip(spends, fees, strict=True):
        if was in FINAL and becomes is not was:
            yield row, _taken_back(session, row, was, finding, now)
        elif becomes in FINAL and was is not becomes:
            yield row, _ended(row, fee, finding, books)
        elif becomes in IN_BLOCK and (
            row.status == SpendStatus.SENDING or row.block_height != finding.height
        ):
            new = {"block_height": finding.height, "tx_id": finding.included and finding.included.tx_id}
            yield row, {**new, "status": row.status if was in FINAL else SpendStatus.SENT.value}
        elif becomes is TransactionStatus.OPEN and row.block_height is not None:
            yield row, {"status": row.status, "block_height": None}
        elif becomes is TransactionStatus.EXPIRED and was is not becomes:
            yield row, _queued_anew(now)
        elif becomes is TransactionStatus.ABANDONED:
            yield row, _given_up(session, row, now)


def _ended(row: Row[Any], fee: int, finding: Finding, books: _Books) -> Mapping[str, Any]:
    settled = finding.status is TransactionStatus.SETTLED
    (books.settled if settled else books.reverted).append((row, fee))
    if pays_from_deposit(row) and finding.included is not None and finding.height is not None:
        paid = PaidFee(row.network, finding.included.tx_id, row.id, row.source, fee, finding.height)
        books.fees.append(paid)
    return {
        "status": SpendStatus.CONFIRMED.value if settled else SpendStatus.FAILED.value,
        "tx_id": finding.included and finding.included.tx_id,
        "fee": fee,
        "block_height": finding.height,
        "reason": "" if settled else _REVERTED,
        "turn": row.turn + 1,
    }


def _taken_back(
    session: Session, row: Row[Any], was: TransactionStatus, finding: Finding, now: datetime
) -> Mapping[str, Any]:
    book_taken_back(session, row, now, settled=was is TransactionStatus.SETTLED)
    forget_fees(session, row.network, [row.id])
    return {"status": SpendStatus.SENT.value, "fee": None, "block_height": finding.height, "reason": ""}


def _queued_anew(now: datetime) -> Mapping[str, Any]:
    return {
        "status": SpendStatus.QUEUED.value,
        "tx_id": None,
        "transaction_id": None,
        "reason": "Its transaction has expired and is on no chain; it is sent anew.",
        "due_at": now,
    }


def _given_up(session: Session, row: Row[Any], now: datetime) -> Mapping[str, Any]:
    book_void(session, [row], now)
    return {
        "status": SpendStatus.FAILED.value,
        "reason": "What its transaction needs was used up by another one, which this gateway did not sign.",
    }


def _shares(fee: int, parts: int) -> list[int]:
    """Share a transaction's fee among what it carries, to the base unit: the first ones bear the remainder."""
    if not parts:
        return []
    each, rest = divmod(fee, parts)
    return [each + (number < rest) for number in range(parts)]
