"""A transaction that waits too long is signed again with a higher fee, under the same claims and to the same payees."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.spending import Broadcast, Draft, Explained, FeeTier, KeyPath, Signed, SpendContext
from cloudpay.chains.types import Capability
from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.db import table_of
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.ledger.types import InsufficientFunds
from cloudpay.transactions.commit import fits_claims, reserve_more
from cloudpay.transactions.models import TransactionRow
from cloudpay.transactions.rows import (
    ATTEMPT,
    Rows,
    attempts_by_transaction,
    claims_by_transaction,
    path_of,
    read_draft,
    spends_by_transaction,
    write_signers,
)
from cloudpay.transactions.states import TransactionStatus
from cloudpay.transactions.station import Station
from cloudpay.transactions.waiting import note_reason
from cloudpay.wallets.guard import Guard, SignerRefused
from cloudpay.wallets.own import note_own

TIERS = tuple(FeeTier)
_MOST = 16
"""Replacements in one pass: those in front are what the others wait for."""

_TRANSACTION = table_of(TransactionRow)
_log = get_logger(__name__)


@dataclass(frozen=True)
class _Bump:
    """A transaction that is to be outbid, and what it was."""

    row: Row[Any]
    tier: FeeTier
    spends: Sequence[Row[Any]]
    number: int
    draft: Draft


@dataclass(frozen=True)
class _Signing:
    """A replacement that is signed and not yet committed."""

    bump: _Bump
    draft: Draft
    signed: Signed
    explained: Explained


def bump(station: Station, guard: Guard, waiting: Sequence[str]) -> int:
    """Replace what has waited too long (fault F55) or holds up a dearer one; answer how many were signed anew."""
    if Capability.REPLACEABLE not in station.adapter.capabilities or not waiting:
        return 0
    due = _due(station, waiting)
    if not due:
        return 0
    ours = station.paths_among({spend.recipient for each in due for spend in each.spends})
    signings = [found for each in due if (found := _sign(station, guard, each, ours)) is not None]
    if not signings:
        return 0
    station.write_down_day()
    done = station.gateway.db.run(lambda session: _commit(session, station, signings))
    passing(Failpoint.SEND_REPLACED)
    return done


def _due(station: Station, waiting: Sequence[str]) -> list[_Bump]:
    with station.gateway.db.read() as session:
        rows = session.execute(
            select(_TRANSACTION)
            .where(_TRANSACTION.c.id.in_(waiting), _TRANSACTION.c.status == TransactionStatus.OPEN.value)
            .order_by(_TRANSACTION.c.id)
        ).all()
        now = station.gateway.clock.now(session)
        attempts = attempts_by_transaction(session, [row.id for row in rows])
        chosen = list(_chosen(station, rows, attempts, now))[:_MOST]
        ids = [row.id for row, _tier in chosen]
        spends, claims = spends_by_transaction(session, ids), claims_by_transaction(session, ids)
        return [
            _Bump(
                row,
                tier,
                spends.get(row.id, []),
                attempts[row.id][-1].number,
                read_draft(
                    spends.get(row.id, []), claims[row.id], row, _unsigned(session, attempts[row.id][-1])
                ),
            )
            for row, tier in chosen
        ]


def _unsigned(session: Session, attempt: Row[Any]) -> bytes:
    found = select(ATTEMPT.c.unsigned).where(
        ATTEMPT.c.network == attempt.network, ATTEMPT.c.tx_id == attempt.tx_id
    )
    return bytes(session.execute(found).scalar_one())


def _chosen(
    station: Station, rows: Sequence[Row[Any]], attempts: Rows, now: datetime
) -> Iterator[tuple[Row[Any], FeeTier]]:
    """Answer what is to be outbid, oldest first, and at which tier."""
    settings = station.network.settings
    patience, block = (
        timedelta(seconds=settings.bump_after_seconds),
        timedelta(seconds=settings.block_seconds),
    )
    behind = _dearest_behind(rows)
    for row in rows:
        newest, age = attempts[row.id][-1], now - row.signed_at
        tier = FeeTier(row.tier)
        outbid_refused = newest.number > 1 and newest.answer == Broadcast.REJECTED.name.lower()
        if newest.handed_at is None:
            continue
        if TIERS.index(behind[row.id]) > TIERS.index(tier) and age > block:
            yield row, behind[row.id]
        elif age > patience or (outbid_refused and age > block):
            yield row, TIERS[min(TIERS.index(tier) + 1, len(TIERS) - 1)]


def _dearest_behind(rows: Sequence[Row[Any]]) -> Mapping[str, FeeTier]:
    """Answer for each the highest tier among those of its source that were signed after it, or its own."""
    dearest: dict[str, FeeTier] = {}
    found: dict[str, FeeTier] = {}
    for row in reversed(rows):
        own = FeeTier(row.tier)
        best = max(dearest.get(row.source, own), own, key=TIERS.index)
        dearest[row.source] = found[row.id] = best
    return found


def _sign(station: Station, guard: Guard, due: _Bump, ours: Mapping[str, KeyPath]) -> _Signing | None:
    """Draft and sign a replacement; None where the chain, the fee cap or the ceilings do not allow one."""
    keys = {each.source: path_of(each) for each in due.spends}
    context = SpendContext(
        tier=due.tier,
        fee_cap=guard.fee_cap,
        keys=keys,
        gas_station=due.row.source,
        taken=frozenset(),
        replaces=due.draft,
    )
    prepared = station.adapter.prepare(due.draft.spends, context)
    drafts = [each for each in prepared.drafts if not each.needs]
    if len(drafts) != 1 or not due.draft.claims <= drafts[0].claims:
        return None  # its claims are about to be gone: the next looks say by whom
    if set(drafts[0].spends) != set(due.draft.spends):
        return None
    try:
        signed, explained = guard.sign(station.adapter, drafts[0], {**ours, **keys})
    except SignerRefused as error:
        reason = error.message
        station.gateway.db.run(lambda session: note_reason(session, [due.row.id], reason))
        return None
    return _Signing(due, drafts[0], signed, explained)


def _commit(session: Session, station: Station, signings: Sequence[_Signing]) -> int:
    station.fence(session)
    station.require_open(session)
    now = station.gateway.clock.now(session)
    return sum(_commit_one(session, station, each, now) for each in signings)


def _commit_one(session: Session, station: Station, signing: _Signing, now: datetime) -> bool:
    """Keep one replacement with its bytes; not where its transaction was included or its fee cannot be paid."""
    due, network = signing.bump, station.network.code
    try:
        with session.begin_nested() as savepoint:
            reserve_more(session, due.spends, signing.explained.largest_fee, now)
            kept = fits_claims(session, network, due.row.id, signing.draft.claims) and changed_rows(
                session,
                update(TransactionRow)
                .where(TransactionRow.id == due.row.id, TransactionRow.status == TransactionStatus.OPEN.value)
                .values(
                    attempts=due.number + 1,
                    tier=due.tier.value,
                    signed_at=now,
                    signers=write_signers(signing.draft.signers),
                    expires_at=signing.draft.expires_at,
                ),
            )
            if not kept:
                savepoint.rollback()
                return False
    except InsufficientFunds as error:
        note_reason(session, [due.row.id], f"A higher fee cannot be paid: {error.message}")
        return False
    session.execute(
        ATTEMPT.insert().values(
            network=network,
            tx_id=signing.signed.tx_id,
            transaction_id=due.row.id,
            number=due.number + 1,
            unsigned=signing.draft.unsigned,
            raw=signing.signed.raw,
            largest_fee=signing.explained.largest_fee,
            signed_at=now,
            answer_reason="",
        )
    )
    note_own(session, network, [signing.signed.tx_id])
    _log.info("transaction_replaced", network=network, transaction=due.row.id, attempt=due.number + 1)
    return True
