"""Rows of what waits at deposit addresses: begun once, read with what the books say of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from cloudpay.chains.spending import FeeTier, KeyPath
from cloudpay.kernel.among import among
from cloudpay.kernel.upsert import upsert
from cloudpay.payments.holdings import brought
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.sweeps.pacing import rests
from cloudpay.sweeps.states import Standing
from cloudpay.sweeps.types import Held
from cloudpay.transactions.holdings import own_moves_of

_KEY = ("network", "address", "asset")


@dataclass(frozen=True)
class Place:
    """One asset at one deposit address, and whose it is."""

    network: str
    address: str
    asset: str
    merchant_id: str
    livemode: bool
    path: KeyPath
    tier: FeeTier


def wait(session: Session, place: Place, now: datetime) -> None:
    """Have an asset at an address looked at now; what it was left there for before does not count any more."""
    row = UnsweptRow
    fresh = {
        "network": place.network,
        "address": place.address,
        "asset": place.asset,
        "merchant_id": place.merchant_id,
        "livemode": place.livemode,
        "account": place.path.account,
        "chain": place.path.chain,
        "index": place.path.index,
        "tier": place.tier.value,
        "standing": Standing.NEW.value,
        "reason": "",
        "amount": 0,
        "since": now,
        "due_at": now,
        "looks": 0,
    }
    waits = row.standing.in_([Standing.NEW.value, Standing.LATER.value])
    again = {
        "tier": place.tier.value,
        "found": None,
        "since": case((waits, row.since), else_=now),
        "due_at": now,
        "looks": 0,
    }
    statement = upsert(session, row).values(**fresh)
    session.execute(statement.on_conflict_do_update(index_elements=list(_KEY), set_=again))


def read(
    session: Session, network: str, addresses: Collection[str], now: datetime, *, lock: bool
) -> list[tuple[UnsweptRow, Held]]:
    """Answer the rows of all assets at these addresses, each with what is booked there; locked in one order."""
    row = UnsweptRow
    mine = select(row).where(row.network == network, among(session, row.address, addresses))
    ordered = mine.order_by(row.address, row.asset).execution_options(populate_existing=True)
    rows = list(session.scalars(ordered.with_for_update() if lock else ordered))
    paid, moves = brought(session, network, addresses), own_moves_of(session, network, addresses)
    known = {(each.address, each.asset) for each in rows}
    if lock:
        rows += _missing(session, rows, {*paid, *moves.sums} - known)
    return [
        (
            each,
            Held(
                each.merchant_id,
                each.livemode,
                each.address,
                KeyPath(each.account, each.chain, each.index),
                each.asset,
                paid[each.address, each.asset] + moves.sums[each.address, each.asset],
                FeeTier(each.tier),
                each.since,
                each.found,
                each.address in moves.busy,
                _resting(each, now),
            ),
        )
        for each in rows
    ]


def _resting(row: UnsweptRow, now: datetime) -> Standing | None:
    standing = Standing(row.standing)
    return standing if rests(standing, row.due_at, now) else None


def _missing(
    session: Session, rows: Sequence[UnsweptRow], keys: Collection[tuple[str, str]]
) -> list[UnsweptRow]:
    """Begin the rows of what lies beside: what a top-up left, what somebody sent there by hand."""
    siblings = {each.address: each for each in rows}
    made = []
    for address, asset in sorted(keys):
        like = siblings.get(address)
        if like is None:
            continue
        row = UnsweptRow(
            network=like.network,
            address=address,
            asset=asset,
            merchant_id=like.merchant_id,
            livemode=like.livemode,
            account=like.account,
            chain=like.chain,
            index=like.index,
            tier=like.tier,
            standing=Standing.NEW.value,
            reason="",
            amount=0,
            since=like.since,
            looks=0,
        )
        session.add(row)
        made.append(row)
    session.flush()
    return made
