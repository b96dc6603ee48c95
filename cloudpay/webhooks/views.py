"""Deliveries as the rest of the product sees them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloudpay.webhooks.models import Attempt, Delivery
from cloudpay.webhooks.states import DeliveryStatus


@dataclass(frozen=True)
class AttemptView:
    """One call; `answer` holds the first characters of what came back, `duration_ms` is None when it was cut off."""

    number: int
    series: int
    started_at: datetime
    duration_ms: int | None
    status_code: int | None
    error: str | None
    answer: str


@dataclass(frozen=True)
class DeliveryView:
    """One event on its way to one URL; `last_error` is a sentence, `next_attempt_at` None when none is planned."""

    id: str
    event_id: str
    event_type: str
    merchant_id: str
    livemode: bool
    invoice_id: str | None
    url: str
    status: DeliveryStatus
    attempt_count: int
    next_attempt_at: datetime | None
    last_status_code: int | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class DeliveryDetails(DeliveryView):
    """One delivery with the body that is sent and all its attempts, oldest first."""

    body: str
    attempts: tuple[AttemptView, ...]


def delivery_view(row: Delivery) -> DeliveryView:
    """Answer the view of a row."""
    return DeliveryView(**_values(row))


def delivery_details(row: Delivery, attempts: Iterable[Attempt]) -> DeliveryDetails:
    """Answer the view of a row and of its attempts."""
    return DeliveryDetails(**_values(row), body=row.body, attempts=tuple(map(_attempt_view, attempts)))


def _values(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.id,
        "event_id": row.event_id,
        "event_type": row.event_type,
        "merchant_id": row.merchant_id,
        "livemode": row.livemode,
        "invoice_id": row.invoice_id,
        "url": row.url,
        "status": DeliveryStatus(row.status),
        "attempt_count": row.attempts,
        "next_attempt_at": row.next_attempt_at,
        "last_status_code": row.last_status_code,
        "last_error": row.last_error,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def _attempt_view(row: Attempt) -> AttemptView:
    return AttemptView(
        row.number, row.series, row.started_at, row.duration_ms, row.status_code, row.error, row.answer
    )
