"""At most two calls of a merchant to one endpoint at the same time, over all workers: each call holds a slot.

Slots belong to a merchant's own calls: another one's backlog on the same host never stands in front of them.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.webhooks.models import Delivery, EndpointSlot
from cloudpay.webhooks.states import DeliveryStatus

CALLS_PER_ENDPOINT = 2
OPERATOR = "operator"
EPOCH = datetime.fromtimestamp(0, UTC)


def slots_of(endpoint: str, merchant_id: str | None) -> str:
    """Answer the name of the slots for calls of this merchant (None: the operator) to an endpoint, `host:port`."""
    return f"{endpoint} {merchant_id or OPERATOR}"


def endpoint_of(slots: str) -> tuple[str, str]:
    """Answer endpoint and merchant of slots by their name; those of before they had merchants are everybody's."""
    endpoint, _, merchant = slots.partition(" ")
    return endpoint, merchant


def add_slots(session: Session, endpoint: str) -> None:
    """Make the endpoint's slots, free since ever, unless they are there."""
    have = session.scalar(select(EndpointSlot.number).where(EndpointSlot.endpoint == endpoint).limit(1))
    if have is not None:
        return
    for number in range(CALLS_PER_ENDPOINT):
        values = {"endpoint": endpoint, "number": number, "until": EPOCH, "taken_at": EPOCH}
        insert_if_absent(session, EndpointSlot, values, "endpoint", "number")


def free_slots(
    session: Session, now: datetime, limit: int, busy_merchants: Collection[str | None]
) -> Sequence[EndpointSlot]:
    """Answer free slots of endpoints for which something is due, the longest unused first: endpoints take turns.

    Its cost grows with the number of endpoints, not with how much is due: one merchant's backlog burdens nobody else.
    """
    due = exists().where(
        Delivery.endpoint == EndpointSlot.endpoint,
        Delivery.status == DeliveryStatus.PENDING,
        Delivery.next_attempt_at <= now,
        not_of(busy_merchants),
    )
    statement = (
        select(EndpointSlot)
        .where(EndpointSlot.until < now, due)
        .order_by(EndpointSlot.taken_at, EndpointSlot.number, EndpointSlot.endpoint)
        .limit(limit)
        .with_for_update(skip_locked=True)  # PostgreSQL only; SQLite has one writer at a time anyway
    )
    return session.scalars(statement).all()


def not_of(merchants: Collection[str | None]) -> ColumnElement[bool]:
    """Hold for deliveries of none of these merchants; None stands for the operator, whose deliveries have none."""
    return func.coalesce(Delivery.merchant_id, "").not_in([each or "" for each in merchants])


def take_slot(session: Session, slot: EndpointSlot, claim: str, now: datetime, until: datetime) -> bool:
    """Take a slot if it is still free."""
    mine = (EndpointSlot.endpoint == slot.endpoint, EndpointSlot.number == slot.number)
    statement = update(EndpointSlot).where(*mine, EndpointSlot.until < now)
    return changed_rows(session, statement.values(claim=claim, until=until, taken_at=now)) == 1


def give_back(session: Session, claim: str) -> None:
    """Free the slot that this claim holds, if it still does."""
    changed_rows(
        session, update(EndpointSlot).where(EndpointSlot.claim == claim).values(claim=None, until=EPOCH)
    )
