"""Send a delivery again because somebody asked for it."""

from collections.abc import Callable

from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import nudge_after_commit
from cloudpay.kernel.urls import check_public_url
from cloudpay.merchants.idempotency import StoredAnswer, once, remember
from cloudpay.merchants.principal import Principal
from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.service import QUEUE, find_delivery
from cloudpay.webhooks.slots import add_slots, slots_of
from cloudpay.webhooks.states import REDELIVERY, DeliveryStatus
from cloudpay.webhooks.views import DeliveryView, delivery_view

_ROUTE = "POST /api/webhook/deliveries/redeliver"


def redeliver(gateway: Gateway, merchant_id: str, delivery_id: str, *, actor: str) -> DeliveryView:
    """Begin a new series of attempts, the first one now, for the same event with the same id and body.

    Raises `UnknownDelivery`; `IllegalTransition` while a call is under way; `InvalidRequest` when its URL may not
    be called.
    """

    def work(session: Session) -> DeliveryView:
        row = find_delivery(session, merchant_id, delivery_id, lock=True)
        return _begin(session, gateway, row, actor)

    return gateway.db.run(work)


def redeliver_once(
    gateway: Gateway,
    principal: Principal,
    key: str | None,
    delivery_id: str,
    render: Callable[[DeliveryView], str],
) -> StoredAnswer:
    """`redeliver` for a request that may carry an idempotency key; `render` writes the answer as JSON text."""

    def work(session: Session) -> StoredAnswer:
        earlier = once(session, gateway, principal, _ROUTE, key, {"delivery_id": delivery_id})
        if earlier is not None:
            return earlier
        mine, mode = principal.merchant_id, principal.livemode
        row = find_delivery(session, mine, delivery_id, livemode=mode, lock=True)
        view = _begin(session, gateway, row, principal.actor)
        return remember(session, principal, _ROUTE, key, 202, render(view))

    return gateway.db.run(work)


def _begin(session: Session, gateway: Gateway, row: Delivery, actor: str) -> DeliveryView:
    status = REDELIVERY.check(DeliveryStatus(row.status), DeliveryStatus.PENDING)
    target = check_public_url(row.url, allow_private=gateway.settings.webhooks.allow_private_targets)
    row.status = status
    row.endpoint = slots_of(target.endpoint, row.merchant_id)
    row.series += 1
    row.attempts_in_series = 0
    row.next_attempt_at = gateway.clock.now(session)
    row.finished_at = None
    add_slots(session, row.endpoint)
    record(
        session,
        actor=actor,
        action="webhook.redelivered",
        subject=row.id,
        merchant_id=row.merchant_id,
        livemode=row.livemode,
        details={"event_id": row.event_id, "series": str(row.series)},
    )
    nudge_after_commit(session, QUEUE)
    return delivery_view(row)
