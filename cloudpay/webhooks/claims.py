"""Who sends which delivery now: claims with a lease by database time, so that none is lost."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.holders import gone, new_holder
from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.outcomes import cut_off
from cloudpay.webhooks.slots import free_slots, give_back, not_of, take_slot
from cloudpay.webhooks.states import DeliveryStatus

_MOST_CUT_OFF = 100


@dataclass(frozen=True)
class Claim:
    """One delivery that this process may send until its lease runs out; `at` is database time."""

    id: str
    delivery_id: str
    event_id: str
    merchant_id: str | None
    url: str
    body: str
    at: datetime


def claim_due(
    gateway: Gateway, limit: int, running: Counter[str | None], most_per_merchant: int
) -> list[Claim]:
    """Claim up to `limit` due deliveries, fairly: endpoints take turns, none has more than its slots.

    `running` counts the calls of this process by merchant, the operator as None: one with slow endpoints cannot fill
    the whole pool.
    """
    counted = Counter(running)
    # Between the longest call and the end of its lease there must be time to write down what came of it.
    longest = gateway.settings.webhooks.timeout_seconds + gateway.settings.leases.webhooks_seconds

    def work(session: Session) -> list[Claim]:
        now = gateway.clock.now(session)
        until = now + timedelta(seconds=longest)
        _release_cut_off(session, now)
        busy = {merchant for merchant, calls in counted.items() if calls >= most_per_merchant}
        claims: list[Claim] = []
        for slot in free_slots(session, now, limit, busy):
            claim = new_holder("clm_")
            if not take_slot(session, slot, claim, now, until):
                continue
            row = _take_delivery(session, slot.endpoint, claim, now, until, busy)
            if row is None:  # the endpoint's other slot has taken the last one
                give_back(session, claim)
                continue
            claims.append(Claim(claim, row.id, row.event_id, row.merchant_id, row.url, row.body, now))
            counted[row.merchant_id] += 1
            if counted[row.merchant_id] >= most_per_merchant:
                busy.add(row.merchant_id)
        return claims

    return gateway.db.run(work) if limit > 0 and _anything_due(gateway) else []


def release_abandoned(gateway: Gateway) -> int:
    """Bring back at once what was being sent by a process that is gone; the rest waits until its claim runs out."""

    def work(session: Session) -> int:
        sending = Delivery.status == DeliveryStatus.SENDING
        dead = gone(session.scalars(select(Delivery.claim).where(sending)))
        late = select(Delivery).where(sending, Delivery.claim.in_(dead)).with_for_update(skip_locked=True)
        rows = session.scalars(late).all()
        for row in rows:
            cut_off(session, row, gateway.clock.now(session))
        return len(rows)

    return gateway.db.run(work)


def next_due_in(gateway: Gateway) -> timedelta | None:
    """Answer the time until the next planned attempt; None when none is planned."""
    with gateway.db.read() as session:
        now = gateway.clock.now(session)
        planned = (Delivery.status == DeliveryStatus.PENDING, Delivery.next_attempt_at > now)
        soonest = session.scalar(select(func.min(Delivery.next_attempt_at)).where(*planned))
    return None if soonest is None else soonest - now


def _anything_due(gateway: Gateway) -> bool:
    """Look before a write transaction is opened: an idle loop must not hold up SQLite's other writers."""
    with gateway.db.read() as session:
        now = gateway.clock.now(session)
        due = (Delivery.status == DeliveryStatus.PENDING, Delivery.next_attempt_at <= now)
        if session.scalar(select(Delivery.id).where(*due).limit(1)) is not None:
            return True
        late = (Delivery.status == DeliveryStatus.SENDING, Delivery.claimed_until < now)
        return session.scalar(select(Delivery.id).where(*late).limit(1)) is not None


def _take_delivery(
    session: Session, endpoint: str, claim: str, now: datetime, until: datetime, busy: set[str | None]
) -> Delivery | None:
    due = (Delivery.status == DeliveryStatus.PENDING, Delivery.next_attempt_at <= now)
    longest = (
        select(Delivery)
        .where(Delivery.endpoint == endpoint, *due, not_of(busy))
        .order_by(Delivery.next_attempt_at, Delivery.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = session.scalar(longest)
    if row is None:
        return None
    taken = update(Delivery).where(Delivery.id == row.id, *due)
    values = {"status": DeliveryStatus.SENDING, "claim": claim, "claimed_at": now, "claimed_until": until}
    return row if changed_rows(session, taken.values(**values)) == 1 else None


def _release_cut_off(session: Session, now: datetime) -> None:
    """Bring back deliveries whose worker died during the call: whether it arrived is unknown, so it goes again."""
    late = (Delivery.status == DeliveryStatus.SENDING, Delivery.claimed_until < now)
    statement = select(Delivery).where(*late).limit(_MOST_CUT_OFF).with_for_update(skip_locked=True)
    for row in session.scalars(statement):
        cut_off(session, row, now)
    session.flush()
