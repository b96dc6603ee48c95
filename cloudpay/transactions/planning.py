"""What is queued becomes signed transactions: chosen by source, drafted by the chain, signed, committed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from cloudpay.chains.spending import Draft, FeeTier, KeyPath, Prepared, SpendContext
from cloudpay.kernel.db import table_of
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.transactions.commit import Signing, commit_signed
from cloudpay.transactions.errors import Overtaken
from cloudpay.transactions.handing import AT_ONCE
from cloudpay.transactions.models import TransactionRow
from cloudpay.transactions.needs import fuelled_by, request_needs
from cloudpay.transactions.rows import CLAIM, SPEND, path_of, spend_of
from cloudpay.transactions.states import UNDECIDED, SpendStatus, TransactionStatus
from cloudpay.transactions.station import Station
from cloudpay.transactions.types import SpendKind
from cloudpay.transactions.undone import UNDRAFTED, give_up, look_at, take_back, undraftable
from cloudpay.transactions.waiting import refuse, wait
from cloudpay.wallets.freezes import reconciled_at
from cloudpay.wallets.guard import FeeAboveCap, Guard, SignerRefused

TIERS = tuple(reversed(FeeTier))
"""The dearest first, so that none of them waits behind a cheap one of the same pass."""

_TRANSACTION = table_of(TransactionRow)
_SHORT_WAIT, _LONG_WAIT = timedelta(seconds=5), timedelta(seconds=60)
_LONG_AGO = timedelta(minutes=10)
"""What was asked for before may come from a backup, and be paid: the first that a wallet sends is held against that."""
_RECENT = 64
"""Claims that are held against the chain: the newest one need not be the highest, where a gap was filled."""


@dataclass
class Plan:
    """What one pass has found out about queued spends; `held` are those that the signer does not sign now."""

    signings: list[Signing] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    needs: list[tuple[Row[Any], Draft, Mapping[str, KeyPath]]] = field(default_factory=list)
    given_up: dict[str, str] = field(default_factory=dict)
    undraftable: list[Row[Any]] = field(default_factory=list)


@dataclass(frozen=True)
class _Source:
    """One address that pays: its queued spends, its room for further transactions, the claims it may not use."""

    address: str
    spends: Sequence[Row[Any]]
    room: int
    taken: frozenset[str]
    recent: frozenset[str]
    first: bool
    gas_station: str
    keys: Mapping[str, KeyPath]


@dataclass(frozen=True)
class Planned:
    """How a pass ended: transactions kept, spends that left the queue or wait now, and whether some are held."""

    kept: int
    moved: int
    held: Mapping[str, str]


def plan(station: Station, guard: Guard) -> Planned:
    """Sign and commit what may go out now, a bounded number; nothing is broadcast yet.

    Raises `NodeUnavailable`, `LeaseLost`, `SendingFrozen`, what the gate raises, `BytesDiffer` and `Overtaken`.
    """
    queued, rooms = _queued(station)
    if not queued:
        return Planned(0, 0, {})
    passing(Failpoint.SEND_PLANNED)
    found = Plan()
    ours = station.paths_among({row.recipient for row in queued})
    for source in _sources(station, queued, rooms):
        _plan_source(station, guard, source, ours, found)
    passing(Failpoint.SEND_SIGNED)
    station.renew()
    kept, short = 0, dict[str, str]()
    if found.signings:
        station.write_down_day()
        done = station.gateway.db.run(lambda session: commit_signed(session, station, found.signings))
        kept, short = done.transactions, done.short
        passing(Failpoint.SEND_COMMITTED)
    going_home = {row.id for row in queued if row.kind == SpendKind.HOME}  # has all there is promised to it
    found.given_up |= {each: why for each, why in short.items() if each in going_home}
    found.waiting |= {each: why for each, why in short.items() if each not in going_home}
    if found.refused or found.waiting or found.held or found.needs or found.given_up:
        lying = look_at(station, found.undraftable)
        station.gateway.db.run(lambda session: _put_off(session, station, found, lying))
    if found.refused:
        passing(Failpoint.SEND_REFUSED)
    return Planned(kept, kept + len(found.refused) + len(found.needs) + len(found.held), found.held)


def _queued(station: Station) -> tuple[Sequence[Row[Any]], Mapping[str, int]]:
    """Answer the oldest spends that are due, as many of each source as it has room for; and that room, by source."""
    network, db = station.network.code, station.gateway.db
    with db.read() as session:
        due = (
            SPEND.c.network == network,
            SPEND.c.status == SpendStatus.QUEUED.value,
            SPEND.c.waits_for.is_(None),
            SPEND.c.due_at <= station.gateway.clock.now(session),
        )
        sources = session.scalars(select(SPEND.c.source).where(*due).distinct()).all()
        open_ones = _open_by_source(session, network)
    if not sources:
        return [], {}
    windows = station.adapter.in_flight(sources)
    rooms = {each: windows.get(each, 0) - open_ones.get(each, 0) for each in sources}
    roomy = [each for each, room in rooms.items() if room > 0]
    if not roomy:
        return [], {}
    place = func.row_number().over(partition_by=SPEND.c.source, order_by=(SPEND.c.created_at, SPEND.c.id))
    most = min(AT_ONCE, max(rooms[each] for each in roomy))
    numbered = select(*SPEND.c, place.label("place")).where(*due, SPEND.c.source.in_(roomy)).subquery()
    oldest = select(numbered).where(numbered.c.place <= most)
    with db.read() as session:
        rows = session.execute(oldest.order_by(numbered.c.created_at, numbered.c.id).limit(AT_ONCE)).all()
    return [row for row in rows if row.place <= rooms[row.source]], rooms


def _open_by_source(session: Session, network: str) -> Mapping[str, int]:
    statement = (
        select(_TRANSACTION.c.source, func.count())
        .where(_TRANSACTION.c.network == network, _TRANSACTION.c.status == TransactionStatus.OPEN.value)
        .group_by(_TRANSACTION.c.source)
    )
    return {source: count for source, count in session.execute(statement)}  # noqa: C416  # rows, not pairs


def _sources(station: Station, queued: Sequence[Row[Any]], rooms: Mapping[str, int]) -> Iterator[_Source]:
    by_source: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in queued:
        by_source[row.source].append(row)
    with station.gateway.db.read() as session:
        taken = _taken(session, station.network.code, by_source.keys())
        now = station.gateway.clock.now(session)
        compared = reconciled_at(session, station.network.code)  # what came before is explained
        recent = {each: _recent(session, station.network.code, each, compared) for each in by_source}
        fuel = fuelled_by(session, station.network, {each: rows[0] for each, rows in by_source.items()})
    for address, rows in by_source.items():
        keys = {fuel[address].address: fuel[address].path, address: path_of(rows[0])}
        yield _Source(
            address,
            rows,
            rooms[address],
            taken.get(address, frozenset()),
            recent[address],
            compared is None and not recent[address] and rows[0].created_at < now - _LONG_AGO,
            fuel[address].address,
            keys,
        )


def _taken(session: Session, network: str, sources: Any) -> Mapping[str, frozenset[str]]:
    """Answer the claims that the chain does not show as used up for good yet, by source."""
    statement = (
        select(_TRANSACTION.c.source, CLAIM.c.claim)
        .join_from(_TRANSACTION, CLAIM, CLAIM.c.transaction_id == _TRANSACTION.c.id)
        .where(_TRANSACTION.c.network == network, _TRANSACTION.c.source.in_(list(sources)))
        .where(
            _TRANSACTION.c.status.in_([each.value for each in UNDECIDED])
            | _TRANSACTION.c.look_at.is_not(None)
        )
    )
    claims: defaultdict[str, set[str]] = defaultdict(set)
    for source, claim in session.execute(statement):
        claims[source].add(claim)
    return {source: frozenset(found) for source, found in claims.items()}


def _recent(session: Session, network: str, source: str, since: datetime | None) -> frozenset[str]:
    """Answer the newest claims of a source, of those that came after a moment, if any is given."""
    statement = (
        select(CLAIM.c.claim)
        .join_from(_TRANSACTION, CLAIM, CLAIM.c.transaction_id == _TRANSACTION.c.id)
        .where(_TRANSACTION.c.network == network, _TRANSACTION.c.source == source)
    )
    if since is not None:
        statement = statement.where(_TRANSACTION.c.created_at > since)
    return frozenset(session.scalars(statement.order_by(_TRANSACTION.c.id.desc()).limit(_RECENT)))


def _plan_source(
    station: Station, guard: Guard, source: _Source, ours: Mapping[str, KeyPath], found: Plan
) -> None:
    """Draft and sign for one address, the dearest tier first, until its room is used up or one is held back."""
    taken, room, known = source.taken, source.room, {**ours, **source.keys}
    for tier in TIERS:
        rows = {row.id: row for row in source.spends if row.tier == tier}
        if not rows or room <= 0:
            continue
        context = SpendContext(
            tier=tier,
            fee_cap=_fee_cap(guard, rows.values()),
            keys=known,  # a recipient of ours, too: a plugin may reckon on what such a one does
            gas_station=source.gas_station,
            taken=taken,
            recent=source.recent,
            first=source.first,
        )
        hole, done = False, set[str]()
        prepared = station.adapter.prepare([spend_of(row) for row in rows.values()], context)
        passing(Failpoint.SEND_DRAFTED)
        if prepared.overtaken:
            raise Overtaken(station.network.code, source.address)
        found.refused |= {each.spend_id: each.reason for each in prepared.refused}
        for draft in _usable(prepared, taken)[:room]:
            carried = [rows[each.id] for each in draft.spends]
            if draft.needs:
                found.needs.extend((row, draft, source.keys) for row in carried)
                return  # what was drafted behind it would take its place; all is drafted again
            try:
                if hole:
                    guard.check(station.adapter, draft, known)
                    continue
                signed, explained = guard.sign(station.adapter, draft, known)
            except FeeAboveCap as error:  # it is above the cap for all of this tier (fault F59)
                found.waiting |= {each: error.message for each in rows if each not in done}
                break
            except SignerRefused as error:
                found.held |= {row.id: error.message for row in carried}
                hole = True  # what is drafted behind it would wait for its place: only looked at, not signed
                continue
            found.signings.append(Signing(draft, signed, explained, carried, tier))
            done.update(row.id for row in carried)
            taken |= draft.claims
            room -= 1
        undrafted = _undrafted(prepared, rows)
        found.waiting |= dict.fromkeys(undrafted, UNDRAFTED)
        found.undraftable += undraftable([rows[each] for each in undrafted])


def _fee_cap(guard: Guard, rows: Iterable[Row[Any]]) -> int:
    """The most that a fee may be: for what is collected, no more than it is worth to whoever planned it."""
    limits: list[int] = [row.fee_limit for row in rows if row.fee_limit is not None]
    return min([guard.fee_cap, *limits])


def _usable(prepared: Prepared, taken: frozenset[str]) -> list[Draft]:
    """Drop drafts that use what is taken: a plugin that does so has a defect, and must not stop the rest."""
    return [each for each in prepared.drafts if not each.claims & taken and each.spends]


def _undrafted(prepared: Prepared, rows: Mapping[str, Row[Any]]) -> list[str]:
    known = {spend.id for draft in prepared.drafts for spend in draft.spends}
    known |= {each.spend_id for each in prepared.refused}
    return [each for each in rows if each not in known]


def _put_off(session: Session, station: Station, found: Plan, lying: Mapping[str, int]) -> None:
    if found.refused:
        refuse(session, station, found.refused)
    else:
        station.fence(session)
    wait(session, station, found.waiting, _SHORT_WAIT)
    wait(session, station, found.held, _LONG_WAIT)
    take_back(session, station, lying)
    unmet = {
        row.id: reason
        for row, draft, keys in found.needs
        if (reason := request_needs(session, station, row, replace(draft, spends=()), keys))
    }
    sweeps = {row.id for row, _draft, _keys in found.needs if row.kind == SpendKind.SWEEP}
    wait(session, station, {each: why for each, why in unmet.items() if each not in sweeps}, _LONG_WAIT)
    unfuelled = {each: why for each, why in unmet.items() if each in sweeps}
    give_up(session, station, {**found.given_up, **unfuelled})
