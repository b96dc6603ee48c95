"""From a changed invoice to a webhook: the body was frozen in the transaction that changed it."""

from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.service import OutboxEvent
from cloudpay.webhooks.service import enqueue


def tell_endpoint(gateway: Gateway, event: OutboxEvent) -> None:
    """Queue the webhook of a changed invoice, where it has an address to be told at."""
    told = event.payload
    if told["url"] is None:
        return
    enqueue(
        gateway,
        event_id=str(told["event_id"]),
        event_type=str(told["event_type"]),
        merchant_id=str(told["merchant_id"]),
        livemode=bool(told["livemode"]),
        invoice_id=event.subject,
        url=str(told["url"]),
        body=str(told["body"]),
    )
