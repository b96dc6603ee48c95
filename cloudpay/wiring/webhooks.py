"""From something that changed to a webhook: the body was frozen in the transaction that changed it."""

from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.service import OutboxEvent
from cloudpay.webhooks.service import enqueue


def tell_endpoint(gateway: Gateway, event: OutboxEvent) -> None:
    """Queue the webhook of a changed invoice, where it has an address to be told at."""
    _enqueue(gateway, event, invoice_id=event.subject)


def tell_of_payout(gateway: Gateway, event: OutboxEvent) -> None:
    """Queue the webhook of a payout or a batch, where its batch has an address to be told at."""
    _enqueue(gateway, event, invoice_id=None)


def _enqueue(gateway: Gateway, event: OutboxEvent, invoice_id: str | None) -> None:
    told = event.payload
    if told["url"] is None:
        return
    enqueue(
        gateway,
        event_id=str(told["event_id"]),
        event_type=str(told["event_type"]),
        merchant_id=str(told["merchant_id"]),
        livemode=bool(told["livemode"]),
        invoice_id=invoice_id,
        url=str(told["url"]),
        body=str(told["body"]),
    )
