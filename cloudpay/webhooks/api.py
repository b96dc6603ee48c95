"""Routes by which a merchant looks at its webhook deliveries and has them sent again."""

from typing import Any

from flask import Response

from cloudpay.chains.gateway import current
from cloudpay.kernel.fields import NoFields
from cloudpay.kernel.http import Blueprint
from cloudpay.kernel.paging import Page, Paging
from cloudpay.merchants.auth import principal, requires
from cloudpay.merchants.web import idempotency_key, respond
from cloudpay.webhooks import service
from cloudpay.webhooks.redelivery import redeliver_once
from cloudpay.webhooks.schemas import DeliveryAnswer, DeliveryDetailsAnswer, DeliveryPage, DeliveryQuery
from cloudpay.webhooks.states import DeliveryStatus
from cloudpay.webhooks.views import DeliveryDetails, DeliveryView

blueprint = Blueprint(
    "webhooks", __name__, url_prefix="/api/webhook", description="Webhook deliveries and their attempts."
)

_DELIVERY = DeliveryAnswer()


@blueprint.route("/deliveries", methods=["GET"])
@requires("read", "webhooks:write")
@blueprint.arguments(DeliveryQuery, location="query")
@blueprint.response(200, DeliveryPage)
def list_deliveries(query: dict[str, Any]) -> Page[DeliveryView]:
    """List webhook deliveries, newest first."""
    paging: Paging = query["paging"]
    status: DeliveryStatus | None = query.get("status")
    return service.deliveries(
        current(),
        principal().merchant_id,
        livemode=principal().livemode,
        status=status,
        invoice_id=query.get("invoice_id"),
        paging=paging,
    )


@blueprint.route("/deliveries/<delivery_id>", methods=["GET"])
@requires("read", "webhooks:write")
@blueprint.response(200, DeliveryDetailsAnswer)
def get_delivery(delivery_id: str) -> DeliveryDetails:
    """Get one webhook delivery with its body and all its attempts."""
    mine = principal()
    return service.get_delivery(current(), mine.merchant_id, delivery_id, livemode=mine.livemode)


@blueprint.route("/deliveries/<delivery_id>/redeliver", methods=["POST"])
@requires("webhooks:write")
@blueprint.arguments(NoFields)
@blueprint.response(202, DeliveryAnswer)
def redeliver(_body: dict[str, Any], delivery_id: str) -> Response:
    """Send one webhook again, now, with the same id and body; a new series of attempts begins."""
    return respond(redeliver_once(current(), principal(), idempotency_key(), delivery_id, _DELIVERY.dumps))
