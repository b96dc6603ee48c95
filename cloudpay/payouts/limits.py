"""How much may go out: by key, by merchant, by day and to one address; above a threshold only when people agree.

What is not limited is free; but whoever has a limit may send only the assets that its limits name, and where there is
any threshold, people must agree to all of an asset that none names.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.kernel.among import among
from cloudpay.kernel.money import format_amount
from cloudpay.kernel.upsert import upsert
from cloudpay.merchants.models import PayoutLimit
from cloudpay.payouts.errors import PayoutLimitExceeded
from cloudpay.payouts.models import UsageRow
from cloudpay.payouts.views import PayoutView

MERCHANT = ""
"""The holder of the limits that hold for all of a merchant's keys together."""

_UNSEEN = "unseen"  # what went out without that people looked at it

AssetKey = tuple[str, str]


class LimitKind(StrEnum):
    """What a limit bounds."""

    PAYOUT = "payout"  # one payout
    DAY = "day"  # all of a day (UTC)
    ADDRESS = "address"  # all of a day to one address
    APPROVAL = "approval"  # what of a day goes out without two users who agree


class AboveThresholdError(Exception):
    """So much does not go out without people who agree; `batch_id` is the batch that has come to need them."""

    def __init__(self, batch_id: str) -> None:
        super().__init__(batch_id)
        self.batch_id = batch_id


@dataclass(frozen=True)
class Holder:
    """Who sends: a merchant, and the key that asks; none where a person does."""

    merchant_id: str
    key_id: str | None


def needs_approval(session: Session, merchant_id: str, payouts: Sequence[PayoutView], now: datetime) -> bool:
    """Say whether these, with what went out today without it, are above the merchant's threshold of any asset.

    Where there is any, an asset without one has one of zero: else a stolen key would send the others.
    Only `take` says it for good: it judges under the lock under which it counts.
    """
    thresholds = _limits(session, merchant_id, [MERCHANT])[MERCHANT].get(LimitKind.APPROVAL, {})
    if not thresholds:
        return False
    sums = _by_asset(payouts)
    used = _used(session, merchant_id, {_UNSEEN}, now.date())
    return any(
        amount + used.get((_UNSEEN, *asset), 0) > thresholds.get(asset, 0) for asset, amount in sums.items()
    )


def check(session: Session, holder: Holder, payouts: Sequence[PayoutView], now: datetime) -> None:
    """Hold these against the limits, and change nothing; raises `PayoutLimitExceeded`."""
    _check(session, holder, payouts, now.date())


def take(
    session: Session, holder: Holder, payouts: Sequence[PayoutView], now: datetime, *, seen: bool
) -> None:
    """Count these as sent today, for good; `seen`: people have agreed to them.

    Raises `AboveThresholdError`, which comes first, since people are inside other limits than a key, and
    `PayoutLimitExceeded`; whoever goes on after one of them has counted nothing.
    """
    _lock(session, holder.merchant_id, payouts, now.date())
    if not seen and needs_approval(session, holder.merchant_id, payouts, now):
        raise AboveThresholdError(payouts[0].batch_id)
    added = _check(session, holder, payouts, now.date())
    if not seen:
        for asset, amount in _by_asset(payouts).items():
            added[_UNSEEN, *asset] += amount
    used = _used(session, holder.merchant_id, {subject for subject, _, _ in added}, now.date())
    rows = [
        {
            "merchant_id": holder.merchant_id,
            "subject": subject,
            "network": network,
            "asset": asset,
            "day": now.date(),
            "total": used.get((subject, network, asset), 0) + amount,
        }
        for (subject, network, asset), amount in sorted(added.items())
    ]
    statement = upsert(session, UsageRow)
    put = statement.on_conflict_do_update(
        index_elements=["merchant_id", "subject", "network", "asset", "day"],
        set_={"total": statement.excluded.total},
    )
    session.connection().execute(put, rows)


def _lock(session: Session, merchant_id: str, payouts: Sequence[PayoutView], day: date) -> None:
    """One row for each asset orders all who count at the same time; SQLite has one writer anyway."""
    for network, asset in sorted(_by_asset(payouts)):
        values = {
            "merchant_id": merchant_id,
            "subject": "all",
            "network": network,
            "asset": asset,
            "day": day,
        }
        statement = upsert(session, UsageRow).values(**values, total=0)
        session.execute(
            statement.on_conflict_do_update(  # which locks it, and changes nothing
                index_elements=["merchant_id", "subject", "network", "asset", "day"],
                set_={"subject": "all"},
            )
        )


def _check(
    session: Session, holder: Holder, payouts: Sequence[PayoutView], day: date
) -> dict[tuple[str, str, str], int]:
    """Answer what is to be counted, by subject and asset."""
    holders = [MERCHANT] if holder.key_id is None else [MERCHANT, holder.key_id]
    limits = _limits(session, holder.merchant_id, holders)
    added = _subjects(limits, payouts)
    used = _used(session, holder.merchant_id, {subject for subject, _, _ in added}, day)
    sums = {key: amount + used.get(key, 0) for key, amount in added.items()}
    for each in holders:
        _hold(each, limits[each], payouts, sums)
    return added


def _subjects(
    limits: Mapping[str, Iterable[LimitKind]], payouts: Sequence[PayoutView]
) -> dict[tuple[str, str, str], int]:
    """What is added for each holder of `limits`; addresses are many, and counted only for whom a limit asks for it."""
    added: dict[tuple[str, str, str], int] = defaultdict(int)
    for each in payouts:
        for holder, kinds in limits.items():
            added[_of(holder), each.network, each.asset] += each.amount
            if LimitKind.ADDRESS in kinds:
                added[_to(holder, each), each.network, each.asset] += each.amount
    return added


def _hold(
    holder: str,
    limits: Mapping[LimitKind, Mapping[AssetKey, int]],
    payouts: Sequence[PayoutView],
    sums: Mapping[tuple[str, str, str], int],
) -> None:
    bounding: dict[LimitKind, Mapping[AssetKey, int]] = {
        kind: found for kind, found in limits.items() if kind != LimitKind.APPROVAL
    }
    if not bounding:
        return
    who = "The merchant" if holder == MERCHANT else "This key"
    named = {asset for found in bounding.values() for asset in found}
    for each in payouts:
        asset = (each.network, each.asset)
        if asset not in named:
            raise PayoutLimitExceeded(
                f"{who} has limits for payouts, and none of them names {each.symbol} on {each.network}: it may not "
                "send any. Have a limit set for it."
            )
        for kind, moved, words in (
            (LimitKind.PAYOUT, each.amount, "in one payout"),
            (LimitKind.DAY, sums[_of(holder), *asset], "in a day"),
            (LimitKind.ADDRESS, sums.get((_to(holder, each), *asset), 0), "to one address in a day"),
        ):
            most = bounding.get(kind, {}).get(asset)
            if most is not None and moved > most:
                raise _exceeded(who, each, most, moved, words)


def _exceeded(who: str, payout: PayoutView, most: int, moved: int, words: str) -> PayoutLimitExceeded:
    allowed, wanted = (format_amount(each, payout.decimals) for each in (most, moved))
    return PayoutLimitExceeded(
        f"{who} may send {allowed} {payout.symbol} on {payout.network} {words}, and with this it would be {wanted}. "
        "Send less, or have the limit raised."
    )


def _limits(
    session: Session, merchant_id: str, holders: Iterable[str]
) -> dict[str, dict[LimitKind, dict[AssetKey, int]]]:
    found: dict[str, dict[LimitKind, dict[AssetKey, int]]] = {each: {} for each in holders}
    limit = PayoutLimit
    wanted = select(limit.holder, limit.kind, limit.network, limit.asset, limit.amount)
    rows = session.execute(wanted.where(limit.merchant_id == merchant_id, limit.holder.in_(list(found))))
    for row in rows:
        found[row.holder].setdefault(LimitKind(row.kind), {})[row.network, row.asset] = row.amount
    return found


def _used(
    session: Session, merchant_id: str, subjects: Iterable[str], day: date
) -> dict[tuple[str, str, str], int]:
    row = UsageRow
    found = select(row.subject, row.network, row.asset, row.total).where(
        row.merchant_id == merchant_id, row.day == day, among(session, row.subject, set(subjects))
    )
    return {(each.subject, each.network, each.asset): each.total for each in session.execute(found)}


def _by_asset(payouts: Iterable[PayoutView]) -> dict[AssetKey, int]:
    sums: dict[AssetKey, int] = defaultdict(int)
    for each in payouts:
        sums[each.network, each.asset] += each.amount
    return sums


def _of(holder: str) -> str:
    return f"key:{holder}" if holder else "merchant"


def _to(holder: str, payout: PayoutView) -> str:
    """A key's limit is of what that key has sent there; the merchant's, of what all of them have."""
    address = f"address:{payout.address}"
    return f"{_of(holder)}:{address}" if holder else address
