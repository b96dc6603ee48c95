"""From an alert to the operator's own webhook: signed, and tried again like a merchant's."""

import json
from datetime import UTC, datetime

from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.service import OutboxEvent
from cloudpay.webhooks.service import enqueue


def tell_operator(gateway: Gateway, event: OutboxEvent) -> None:
    """Queue the webhook of an alert that opened or cleared, where `[alerts] url` names somebody to be told."""
    settings = gateway.settings.alerts
    if not settings.url:
        return
    told = event.payload
    moment = told["cleared_at"] or told["opened_at"]
    body = {
        "type": event.name,
        "timestamp": datetime.fromisoformat(str(moment)).astimezone(UTC).isoformat(),
        "data": dict(told),
    }
    enqueue(
        gateway,
        event_id=f"{told['id']}.{event.name.removeprefix('alert.')}",
        event_type=event.name,
        merchant_id=None,
        livemode=True,
        invoice_id=None,
        url=settings.url,
        body=json.dumps(body, ensure_ascii=False),
    )
