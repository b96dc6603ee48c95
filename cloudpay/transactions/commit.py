"""The one transaction after which signed bytes may leave: claims, transactions, attempts, spends, bookings, events."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.spending import Draft, Explained, FeeTier, Signed
from cloudpay.kernel.db import table_of
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.upsert import upsert
from cloudpay.ledger.outgoing import post_more_fee
from cloudpay.ledger.types import InsufficientFunds
from cloudpay.transactions.bookings import outgoing, pays_from_deposit
from cloudpay.transactions.changes import Selection, announce, move_spends
from cloudpay.transactions.models import ClaimRow, TransactionRow
from cloudpay.transactions.rows import ATTEMPT, CLAIM, SPEND, write_signers
from cloudpay.transactions.states import SpendStatus, TransactionStatus
from cloudpay.transactions.station import Station
from cloudpay.wallets.own import note_own

_TRANSACTION = table_of(TransactionRow)
_CARRIED = (
    update(SPEND)
    .where(SPEND.c.id == bindparam("of"))
    .values(transaction_id=bindparam("carrier"), tx_id=bindparam("by"), reason="")
)


@dataclass(frozen=True)
class Signing:
    """A transaction that is signed and in no database yet; while it is not, nothing has happened."""

    draft: Draft
    signed: Signed
    explained: Explained
    spends: Sequence[Row[Any]]
    tier: FeeTier

    @property
    def source(self) -> str:
        """The address that pays."""
        return self.draft.spends[0].source


@dataclass(frozen=True)
class Committed:
    """How many transactions were kept, and why some spends wait that their fee could not be reserved for."""

    transactions: int
    short: dict[str, str]


def commit_signed(session: Session, station: Station, signings: Sequence[Signing]) -> Committed:
    """Keep what was signed, or drop it: that of a spend that was cancelled meanwhile, or of a claim that is taken.

    What was signed after a dropped one of the same source is dropped too, since it would wait for it for ever; what is
    dropped was never shown to anybody, and its spends are planned again. Raises `LeaseLost`, `SendingFrozen`, and what
    the gate raises.
    """
    station.fence(session)
    station.require_open(session)
    passing(Failpoint.SEND_FENCED)
    now = station.gateway.clock.now(session)
    ids = sorted(
        new_id("txn_") for _ in signings
    )  # they sort as they were signed: those in front go out first
    pairs = list(zip(ids, signings, strict=True))
    session.connection().execute(insert(_TRANSACTION), [_transaction(station, *pair, now) for pair in pairs])
    all_spends = [row.id for each in signings for row in each.spends]
    moved = move_spends(session, Selection(ids=all_spends), [SpendStatus.QUEUED], SpendStatus.SENDING)
    caught = {row.id for row in moved}
    free = _claim(session, station.network.code, pairs)
    short: dict[str, str] = {}
    kept = list(_kept(session, pairs, caught, free, short, now))
    _drop(session, pairs, {transaction_id for transaction_id, _signing in kept}, caught)
    if kept:
        _write(session, station, kept, now)
        carried = {row.id: signing for _id, signing in kept for row in signing.spends}
        told = session.execute(select(*SPEND.c).where(SPEND.c.id.in_(carried)).order_by(SPEND.c.id))
        announce(session, station.gateway, told.all())
    passing(Failpoint.SEND_WRITTEN)
    return Committed(len(kept), short)


def reserve_more(session: Session, spends: Sequence[Row[Any]], largest_fee: int, now: datetime) -> None:
    """Have all of a transaction's largest fee reserved by what it carries; raises `InsufficientFunds`."""
    paying = [row for row in spends if not pays_from_deposit(row)]
    extra = largest_fee - sum(row.fee_reserved for row in paying)
    if not paying or extra <= 0:
        return
    first = paying[0]
    total = first.fee_reserved + extra
    # The number is the new total itself: it only grows, so that it names each step once.
    post_more_fee(session, outgoing(first, first.turn + 1), extra, total, now)
    session.execute(update(SPEND).where(SPEND.c.id == first.id).values(fee_reserved=total))


def fits_claims(session: Session, network: str, transaction_id: str, claims: Collection[str]) -> bool:
    """Say whether all these claims are this transaction's, after taking those that are nobody's yet."""
    rows = [{"network": network, "claim": each, "transaction_id": transaction_id} for each in sorted(claims)]
    if not rows:
        return True
    session.connection().execute(upsert(session, ClaimRow).on_conflict_do_nothing(), rows)
    mine = select(CLAIM.c.claim).where(
        CLAIM.c.network == network, CLAIM.c.claim.in_(claims), CLAIM.c.transaction_id == transaction_id
    )
    return set(session.scalars(mine)) == set(claims)


def _claim(session: Session, network: str, pairs: Sequence[tuple[str, Signing]]) -> set[str]:
    """Take the claims of all of these at once; answer those transactions that got every one of theirs."""
    rows = [
        {"network": network, "claim": claim, "transaction_id": transaction_id}
        for transaction_id, signing in pairs
        for claim in sorted(signing.draft.claims)
    ]
    if rows:
        session.connection().execute(upsert(session, ClaimRow).on_conflict_do_nothing(), rows)
    ids = [transaction_id for transaction_id, _signing in pairs]
    taken = session.execute(
        select(CLAIM.c.transaction_id, CLAIM.c.claim).where(CLAIM.c.transaction_id.in_(ids))
    )
    mine = {(row.transaction_id, row.claim) for row in taken}
    return {
        transaction_id
        for transaction_id, signing in pairs
        if all((transaction_id, claim) in mine for claim in signing.draft.claims)
    }


def _kept(
    session: Session,
    pairs: Sequence[tuple[str, Signing]],
    caught: Collection[str],
    free: Collection[str],
    short: dict[str, str],
    now: datetime,
) -> Iterator[tuple[str, Signing]]:
    closed: set[str] = set()
    for transaction_id, signing in pairs:
        whole = all(row.id in caught for row in signing.spends)
        if signing.source not in closed and whole and transaction_id in free:
            try:
                with session.begin_nested() if _needs_more(signing) else session.no_autoflush:
                    reserve_more(session, signing.spends, signing.explained.largest_fee, now)
            except InsufficientFunds as error:
                short |= {row.id: f"Its fee cannot be paid now: {error.message}" for row in signing.spends}
            else:
                yield transaction_id, signing
                continue
        closed.add(signing.source)


def _needs_more(signing: Signing) -> bool:
    reserved: int = sum(row.fee_reserved for row in signing.spends)
    return signing.explained.largest_fee > reserved and not pays_from_deposit(signing.spends[0])


def _drop(
    session: Session, pairs: Sequence[tuple[str, Signing]], kept: Collection[str], caught: Collection[str]
) -> None:
    """Take out again what was put in for those that are not kept."""
    dropped = [pair for pair in pairs if pair[0] not in kept]
    if not dropped:
        return
    ids = [transaction_id for transaction_id, _signing in dropped]
    session.execute(delete(CLAIM).where(CLAIM.c.transaction_id.in_(ids)))
    session.execute(delete(_TRANSACTION).where(_TRANSACTION.c.id.in_(ids)))
    back = [row.id for _id, signing in dropped for row in signing.spends if row.id in caught]
    queued = update(SPEND).where(SPEND.c.id.in_(back), SPEND.c.status == SpendStatus.SENDING.value)
    session.execute(queued.values(status=SpendStatus.QUEUED.value))


def _write(session: Session, station: Station, kept: Sequence[tuple[str, Signing]], now: datetime) -> None:
    connection = session.connection()
    connection.execute(insert(ATTEMPT), [_attempt(station, *pair, now) for pair in kept])
    carried = [
        {"of": row.id, "carrier": transaction_id, "by": signing.signed.tx_id}
        for transaction_id, signing in kept
        for row in signing.spends
    ]
    connection.execute(_CARRIED, carried)
    note_own(session, station.network.code, [signing.signed.tx_id for _id, signing in kept])


def _transaction(station: Station, transaction_id: str, signing: Signing, now: datetime) -> dict[str, Any]:
    return {
        "id": transaction_id,
        "network": station.network.code,
        "source": signing.source,
        "status": TransactionStatus.OPEN.value,
        "tier": signing.tier.value,
        "attempts": 1,
        "signers": write_signers(signing.draft.signers),
        "expires_at": signing.draft.expires_at,
        "created_at": now,
        "signed_at": now,
        "doubts": 0,
    }


def _attempt(station: Station, transaction_id: str, signing: Signing, now: datetime) -> dict[str, Any]:
    return {
        "network": station.network.code,
        "tx_id": signing.signed.tx_id,
        "transaction_id": transaction_id,
        "number": 1,
        "unsigned": signing.draft.unsigned,
        "raw": signing.signed.raw,
        "largest_fee": signing.explained.largest_fee,
        "signed_at": now,
        "answer_reason": "",
    }
