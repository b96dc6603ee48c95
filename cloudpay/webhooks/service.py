"""Put webhooks in the queue, and look at them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import nudge_after_commit
from cloudpay.kernel.errors import InvalidRequest, NotFound
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.paging import Page, Paging, fetch_page
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.kernel.urls import check_public_url
from cloudpay.webhooks.models import Attempt, Delivery
from cloudpay.webhooks.slots import add_slots, slots_of
from cloudpay.webhooks.states import DeliveryStatus
from cloudpay.webhooks.views import DeliveryDetails, DeliveryView, delivery_details, delivery_view

QUEUE = "webhooks"

_FIRST_PAGE = Paging()


class UnknownDelivery(NotFound):
    """There is no such delivery, or it belongs to another merchant."""

    code: ClassVar[str] = "delivery_not_found"

    def __init__(self, delivery_id: str) -> None:
        super().__init__(
            f"There is no webhook delivery {delivery_id[:40]!r}; GET /api/webhook/deliveries lists yours."
        )
        self.delivery_id = delivery_id


def check_callback_url(gateway: Gateway, url: str) -> None:
    """Hold a URL against the rules that need no name server; raises `InvalidRequest` naming `callback_url`."""
    check_public_url(url, allow_private=gateway.settings.webhooks.allow_private_targets)


def enqueue(
    gateway: Gateway,
    *,
    event_id: str,
    event_type: str,
    merchant_id: str | None,
    livemode: bool,
    invoice_id: str | None,
    url: str,
    body: str,
) -> None:
    """Queue one event for delivery; a second call with the same `event_id` changes nothing.

    `body` is sent as it is, byte for byte in UTF-8, at every attempt. A URL that may not be called is kept as blocked.
    Without a merchant it is the operator's own, whose address may be a private one.
    """
    allow_private = merchant_id is None or gateway.settings.webhooks.allow_private_targets
    endpoint, problem = _endpoint(url, merchant_id, allow_private=allow_private)

    def work(session: Session) -> None:
        now = gateway.clock.now(session)
        values = {
            "id": new_id("whd_"),
            "event_id": event_id,
            "event_type": event_type,
            "merchant_id": merchant_id,
            "livemode": livemode,
            "invoice_id": invoice_id,
            "url": url,
            "endpoint": endpoint,
            "body": body,
            "status": DeliveryStatus.BLOCKED if problem else DeliveryStatus.PENDING,
            "series": 1,
            "attempts_in_series": 0,
            "attempts": 0,
            "next_attempt_at": None if problem else now,
            "last_error": problem,
            "created_at": now,
            "finished_at": now if problem else None,
        }
        if not insert_if_absent(session, Delivery, values, "event_id") or problem:
            return
        add_slots(session, endpoint)
        nudge_after_commit(session, QUEUE)
        passing(Failpoint.WEBHOOK_INSERTED)

    gateway.db.run(work)
    passing(Failpoint.WEBHOOK_COMMITTED)


def deliveries(
    gateway: Gateway,
    merchant_id: str,
    *,
    livemode: bool | None = None,
    status: DeliveryStatus | None = None,
    invoice_id: str | None = None,
    paging: Paging = _FIRST_PAGE,
) -> Page[DeliveryView]:
    """Answer a page of a merchant's deliveries, newest first; in one mode, where a key asks."""
    statement = select(Delivery).where(Delivery.merchant_id == merchant_id)
    if livemode is not None:
        statement = statement.where(Delivery.livemode == livemode)
    if status is not None:
        statement = statement.where(Delivery.status == status)
    if invoice_id is not None:
        statement = statement.where(Delivery.invoice_id == invoice_id)
    with gateway.db.read() as session:
        return fetch_page(session, statement, paging, by=Delivery.id).map(delivery_view)


def get_delivery(
    gateway: Gateway, merchant_id: str, delivery_id: str, *, livemode: bool | None = None
) -> DeliveryDetails:
    """Answer one delivery with its attempts; raises `UnknownDelivery`."""
    with gateway.db.read() as session:
        row = find_delivery(session, merchant_id, delivery_id, livemode=livemode)
        attempts = select(Attempt).where(Attempt.delivery_id == row.id).order_by(Attempt.number)
        return delivery_details(row, session.scalars(attempts))


def pending_count(gateway: Gateway) -> int:
    """Answer how many deliveries wait for an attempt or are being sent."""
    open_ones = Delivery.status.in_([DeliveryStatus.PENDING, DeliveryStatus.SENDING])
    with gateway.db.read() as session:
        return session.scalar(select(func.count()).select_from(Delivery).where(open_ones)) or 0


def oldest_due(gateway: Gateway) -> datetime | None:
    """Answer since when the delivery that is due longest has been waiting; None when none is due."""
    with gateway.db.read() as session:
        waiting = (
            Delivery.status == DeliveryStatus.PENDING,
            Delivery.next_attempt_at <= gateway.clock.now(session),
        )
        return session.scalar(select(func.min(Delivery.next_attempt_at)).where(*waiting))


def _endpoint(url: str, merchant_id: str | None, *, allow_private: bool) -> tuple[str, str | None]:
    try:
        target = check_public_url(url, allow_private=allow_private)
    except InvalidRequest as error:
        return "", error.message
    return slots_of(target.endpoint, merchant_id), None


def find_delivery(
    session: Session, merchant_id: str, delivery_id: str, *, livemode: bool | None = None, lock: bool = False
) -> Delivery:
    """Find the row, for this capability's own files; raises `UnknownDelivery`."""
    statement = select(Delivery).where(Delivery.id == delivery_id, Delivery.merchant_id == merchant_id)
    if livemode is not None:
        statement = statement.where(Delivery.livemode == livemode)
    row = session.scalar(statement.with_for_update() if lock else statement)
    if row is None:
        raise UnknownDelivery(delivery_id)
    return row
