"""Looking what became of everything that was signed, many transactions at once: claims first, then the ids."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Row, and_, or_, select
from sqlalchemy.orm import Session

from cloudpay.chains.types import BlockRef, Head, Statuses, TxState, TxStatus
from cloudpay.kernel.db import table_of
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.transactions.expiry import freeze_returned, proven_absent
from cloudpay.transactions.handing import AT_ONCE
from cloudpay.transactions.models import TransactionRow
from cloudpay.transactions.outcomes import FINAL, WATCHES, Finding, look_again, next_look, write_findings
from cloudpay.transactions.rows import Rows, attempts_by_transaction, claims_by_transaction
from cloudpay.transactions.standing import Standing
from cloudpay.transactions.states import UNDECIDED, TransactionStatus
from cloudpay.transactions.station import Station
from cloudpay.transactions.work import any_watched
from cloudpay.wallets.switch import freeze_sending

_TRANSACTION = table_of(TransactionRow)
_LOOKS = 2
"""Looks in a row that must find a claim used up by somebody else, or find nothing of what has expired.

One node that has lost its index is not believed.
"""

_log = get_logger(__name__)


@dataclass
class Tracked:
    """What one round of looks leaves to be done: bytes to hand out again, transactions that wait for a block."""

    unknown: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def track(station: Station) -> Tracked:
    """Look at everything that is not final, and now and then at what is; raises `NodeUnavailable`."""
    tracked = Tracked()
    with station.gateway.db.read() as session:
        if not any_watched(session, station.network.code):
            return tracked
    head, after = station.adapter.head(), ""
    blocks = Standing(station, head)
    while chunk := _next_chunk(station, head, after):
        after = chunk[-1].id
        _look(station, chunk, tracked, blocks)
    return tracked


def _next_chunk(station: Station, head: Head, after: str) -> Sequence[Row[Any]]:
    columns = _TRANSACTION.c
    undecided = columns.status.in_([each.value for each in UNDECIDED])
    due = and_(columns.look_at.is_not(None), columns.look_at <= head.final.height)
    statement = select(_TRANSACTION).where(
        columns.network == station.network.code, or_(undecided, due), columns.id > after
    )
    with station.gateway.db.read() as session:
        return session.execute(statement.order_by(columns.id).limit(AT_ONCE)).all()


def _look(station: Station, chunk: Sequence[Row[Any]], tracked: Tracked, blocks: Standing) -> None:
    standing = blocks.among(chunk)
    again = blocks.next_looks(chunk, standing)
    asked = [row for row in chunk if row.id not in standing or blocks.settles(row)]
    ids = {row.id for row in asked}
    with station.gateway.db.read() as session:
        attempts = attempts_by_transaction(session, ids)
        claims = claims_by_transaction(session, ids)
    look = _Look(station, attempts, claims, blocks)
    if asked:
        look.ask([row for row in asked if row.status not in FINAL])
    findings = list(look.findings(asked))
    passing(Failpoint.SEND_TRACKED)
    station.renew()
    if findings or again:
        station.gateway.db.run(lambda session: _commit(session, station, findings, again))
        passing(Failpoint.SEND_TRACK_COMMITTED)
    for row in asked:
        state = look.state(row)
        if row.status == TransactionStatus.OPEN and state in (TxState.UNKNOWN, TxState.PENDING):
            tracked.waiting.append(row.id)
        if state is TxState.UNKNOWN and row.status not in _SILENT:
            tracked.unknown.append(row.id)
    gone = {each.transaction.id for each in findings if each.status not in _AGAIN}
    tracked.unknown = [each for each in tracked.unknown if each not in gone]
    tracked.waiting = [each for each in tracked.waiting if each not in gone]


_AGAIN = frozenset({TransactionStatus.OPEN, TransactionStatus.INCLUDED})
_SILENT = frozenset({TransactionStatus.USURPED, TransactionStatus.EXPIRED})
"""What is looked at and never handed out again."""


def _commit(
    session: Session,
    station: Station,
    findings: Sequence[Finding],
    again: Mapping[int | None, Sequence[str]],
) -> None:
    """Write down what was found; what this gateway did not sign freezes the network in the same commit (fault F57)."""
    write_findings(session, station, findings)
    look_again(session, again)
    freeze_returned(session, station, findings)
    usurped = [each for each in findings if each.status is TransactionStatus.USURPED]
    if not usurped:
        return
    source = usurped[0].transaction.source
    reason = (
        f"A transaction of {source} that this gateway did not sign has taken the place of one that it did. Somebody "
        "else may have the key, or another gateway or wallet works with the same seed."
    )
    freeze_sending(session, station.gateway, station.network.code, reason)
    passing(Failpoint.SEND_FROZEN)
    _log.error("claim_used_from_outside", network=station.network.code, source=source)


class _Look:
    """What the nodes say of one chunk."""

    def __init__(
        self, station: Station, attempts: Rows, claims: Mapping[str, frozenset[str]], blocks: Standing
    ) -> None:
        self._station, self._attempts, self._claims, self._blocks = station, attempts, claims, blocks
        self._statuses = Statuses(BlockRef(0, ""), {})
        self._consumed: frozenset[str] = frozenset()
        self._depth = station.network.settings.confirmations

    def ask(self, undecided: Collection[Row[Any]]) -> None:
        """Ask for claims before statuses, so that the second answer knows at least as much as the first."""
        adapter = self._station.adapter
        claims = frozenset[str]().union(*(self._claims[row.id] for row in undecided))
        consumed = adapter.consumed(claims) if claims else None
        self._statuses = adapter.statuses([row.tx_id for rows in self._attempts.values() for row in rows])
        if consumed is not None and self._statuses.final.height >= consumed.final.height:
            self._consumed = consumed.claims

    def state(self, row: Row[Any]) -> TxState:
        """Answer the most that is known of a transaction by any of its attempts."""
        included = self._included(row)
        if included is not None:
            return included.state
        states = {status.state for status in self._of(row)}
        return TxState.PENDING if TxState.PENDING in states else TxState.UNKNOWN

    def findings(self, chunk: Sequence[Row[Any]]) -> Iterator[Finding]:
        """Answer what changes."""
        doubted = {row.id for row in chunk if row.doubts + 1 >= _LOOKS and self._seems_expired(row)}
        absent = proven_absent(self._station, doubted, self._statuses.final)
        for row in chunk:
            included = self._included(row)
            if row.status == TransactionStatus.EXPIRED:
                found: Finding | None = self._looked_for(row, included)
            elif included is not None:
                found = self._in_block(row, included)
            else:
                found = self._in_no_block(row, absent)
            if found is not None:
                yield found

    def _of(self, row: Row[Any]) -> Iterator[TxStatus]:
        for attempt in self._attempts.get(row.id, ()):
            status = self._statuses.by_id.get(attempt.tx_id)
            if status is not None:
                yield status

    def _included(self, row: Row[Any]) -> TxStatus | None:
        return next((status for status in self._of(row) if status.block is not None), None)

    def _in_block(self, row: Row[Any], status: TxStatus) -> Finding | None:
        block = status.block
        if block is None:
            return None
        if block.height > self._statuses.final.height:
            same = row.status == TransactionStatus.INCLUDED and row.block_hash == block.hash
            return None if same else Finding(row, TransactionStatus.INCLUDED, status)
        settled = status.state is TxState.SUCCEEDED
        final = TransactionStatus.SETTLED if settled else TransactionStatus.REVERTED
        if row.status in FINAL and row.status != final:
            return Finding(
                row, TransactionStatus.INCLUDED, status
            )  # booked back first; the next look books it
        look_at = next_look(self._depth, block.height, self._statuses.final.height)
        return Finding(row, final, status, look_at=look_at)

    def _in_no_block(self, row: Row[Any], absent: Collection[str]) -> Finding | None:
        if row.status in FINAL:
            return self._taken_back(row)
        if row.status == TransactionStatus.INCLUDED and self._blocks.may_hold(row):
            return None
        if self._claims[row.id] & self._consumed:
            doubts = row.doubts + 1
            usurped = doubts >= _LOOKS or row.status == TransactionStatus.USURPED
            status = TransactionStatus.USURPED if usurped else TransactionStatus.OPEN
            known = row.status == status and usurped
            return None if known else Finding(row, status, doubts=doubts)
        if self._has_expired(row):
            return self._expired(row, absent)
        if row.status == TransactionStatus.INCLUDED or (row.doubts and row.status == TransactionStatus.OPEN):
            return Finding(row, TransactionStatus.OPEN)
        return None

    def _expired(self, row: Row[Any], absent: Collection[str]) -> Finding | None:
        """Doubt it first; believe it when a later block is final, and every proof that there is was given."""
        height = self._statuses.final.height
        if row.id in absent:
            return Finding(
                row, TransactionStatus.EXPIRED, look_at=height + self._depth, doubts=row.doubts + 1
            )
        if not self._is_time(row):
            return None
        doubts = min(row.doubts + 1, _LOOKS - 1)
        wait = self._depth if row.doubts else 1  # what was not proven costs much to prove
        return Finding(row, TransactionStatus.OPEN, look_at=height + wait, doubts=doubts)

    def _looked_for(self, row: Row[Any], included: TxStatus | None) -> Finding:
        """Look for one that was sent anew a few times more."""
        doubts = row.doubts + 1
        last = included is not None or doubts >= _LOOKS + WATCHES
        look_at = None if last else self._statuses.final.height + self._depth
        return Finding(row, TransactionStatus.EXPIRED, included, look_at, doubts)

    def _taken_back(self, row: Row[Any]) -> Finding | None:
        """A final one is gone only when its block is: a node that has lost a receipt takes nothing back (fault F39)."""
        if row.block_height is None or self._statuses.final.height < row.block_height:
            return None
        header = self._station.adapter.header_at(row.block_height)
        if header.hash == row.block_hash:
            return None
        _log.error("final_transaction_taken_back", network=row.network, transaction=row.id)
        return Finding(row, TransactionStatus.OPEN)

    def _seems_expired(self, row: Row[Any]) -> bool:
        return self._is_time(row) and self._included(row) is None and self._has_expired(row)

    def _is_time(self, row: Row[Any]) -> bool:
        """Say whether another block is final than at the look before."""
        return row.look_at is None or row.look_at <= self._statuses.final.height

    def _has_expired(self, row: Row[Any]) -> bool:
        """Say whether no later block can include it: then, and only then, it may be sent anew (fault F70)."""
        if row.expires_at is None or row.status != TransactionStatus.OPEN:
            return False
        absent = all(status.state is TxState.UNKNOWN for status in self._of(row))
        return absent and self._final_time is not None and self._final_time > row.expires_at

    @cached_property
    def _final_time(self) -> int | None:
        """The time of the very block that the statuses are final up to."""
        final = self._statuses.final
        header = self._station.adapter.header_at(final.height)
        return header.time if header.ref == final else None
