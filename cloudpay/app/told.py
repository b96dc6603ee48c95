"""The webhooks of the OpenAPI document: what merchants are told, and when."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

from cloudpay.app.schemas import BatchCompleted, InvoiceChanged, PayoutChanged
from cloudpay.invoices.change import event_type
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payouts.changes import COMPLETED, CONFIRMED, FAILED

BODIES: tuple[type[Schema], ...] = (InvoiceChanged, PayoutChanged, BatchCompleted)

_AGAIN = """\
Answer 2xx within 15 seconds; anything else is tried again for three days. Verify the signature by the Standard Webhooks
scheme with your `whsec_…` secret.
"""

_INVOICE = f"""\
Sent to the invoice's `callback_url` whenever its status changes; none is sent on creation. `paid` is said once. The
order of delivery is not promised: `sequence` tells it. {_AGAIN}"""

_PAYOUT = f"""\
Sent to the `callback_url` of the payout's batch, once. {_AGAIN}"""

_PAYOUTS: Mapping[str, tuple[str, type[Schema]]] = {
    CONFIRMED: ("A payout is confirmed", PayoutChanged),
    FAILED: ("A payout has failed", PayoutChanged),
    COMPLETED: ("All payouts of a batch have ended", BatchCompleted),
}

_HEADERS = {
    "webhook-id": "The event's id: the same at every attempt. Keep it to recognise repetitions.",
    "webhook-timestamp": "Seconds since 1970 of this attempt.",
    "webhook-signature": "`v1,` and the signature, one for each valid secret, separated by spaces.",
}


def webhooks() -> dict[str, Any]:
    """Answer the document's `webhooks`."""
    told = {event_type(status): (_summary(status), InvoiceChanged) for status in InvoiceStatus}
    return {
        name: {"post": _webhook(name, summary, words, body)}
        for kinds, words in ((told, _INVOICE), (_PAYOUTS, _PAYOUT))
        for name, (summary, body) in kinds.items()
    }


def _summary(status: InvoiceStatus) -> str:
    return f"An invoice is {status.value}" + (" again" if status is InvoiceStatus.PENDING else "")


def _webhook(name: str, summary: str, words: str, body: type[Schema]) -> dict[str, Any]:
    thing, _, event = name.partition(".")
    return {
        "operationId": f"{thing}{event.capitalize()}",
        "summary": summary,
        "description": words,
        "security": [],
        "parameters": [
            {
                "in": "header",
                "name": header,
                "required": True,
                "schema": {"type": "string"},
                "description": meaning,
            }
            for header, meaning in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}},
        },
        "responses": {"2XX": {"description": "Received."}},
    }
