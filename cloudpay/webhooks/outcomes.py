"""Write down what came of a call, and decide what happens to its delivery."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.retry_after import parse_retry_after
from cloudpay.webhooks.client import Outcome
from cloudpay.webhooks.models import Attempt, Delivery
from cloudpay.webhooks.schedule import next_delay
from cloudpay.webhooks.slots import give_back
from cloudpay.webhooks.states import DELIVERY, DeliveryStatus

_CUT_OFF = (
    "The gateway was stopped during this call; whether it arrived is unknown, so the event is sent again."
)


def settle(
    session: Session, delivery_id: str, claim: str, outcome: Outcome, now: datetime
) -> DeliveryStatus | None:
    """Record an outcome under its claim; None when the claim was lost and somebody else sends the delivery now."""
    held = select(Delivery).where(Delivery.id == delivery_id, Delivery.claim == claim).with_for_update()
    row = session.scalar(held)
    give_back(session, claim)
    if row is None:
        return None
    if outcome.cut_off:
        cut_off(session, row, now)
        return DeliveryStatus(row.status)
    _record(session, row, outcome)
    delay: timedelta | None = None
    if outcome.status is DeliveryStatus.FAILED:
        delay = next_delay(row.attempts_in_series, parse_retry_after(outcome.retry_after, now))
    _move(row, outcome.status if delay is None else DeliveryStatus.PENDING, now, delay)
    passing(Failpoint.DELIVERY_SETTLED)
    return DeliveryStatus(row.status)


def cut_off(session: Session, row: Delivery, now: datetime) -> None:
    """Count the attempt of a worker that stopped or died, and make the delivery due again at once.

    It counts, so that a delivery on which a worker dies each time comes to an end.
    """
    if row.claim is not None:
        give_back(session, row.claim)
    _record(session, row, Outcome(DeliveryStatus.FAILED, error=_CUT_OFF, cut_off=True))
    used_up = next_delay(row.attempts_in_series) is None
    _move(row, DeliveryStatus.FAILED if used_up else DeliveryStatus.PENDING, now, timedelta(0))


def _record(session: Session, row: Delivery, outcome: Outcome) -> None:
    row.attempts += 1
    row.attempts_in_series += 1
    row.last_status_code = outcome.status_code
    row.last_error = outcome.error
    session.add(
        Attempt(
            id=new_id("wha_"),
            delivery_id=row.id,
            number=row.attempts,
            series=row.series,
            started_at=row.claimed_at,
            duration_ms=None if outcome.cut_off else outcome.duration_ms,
            status_code=outcome.status_code,
            error=outcome.error,
            answer=outcome.answer,
        )
    )


def _move(row: Delivery, status: DeliveryStatus, now: datetime, delay: timedelta | None) -> None:
    row.status = DELIVERY.check(DeliveryStatus(row.status), status)
    waits = status is DeliveryStatus.PENDING
    row.next_attempt_at = now + (delay or timedelta(0)) if waits else None
    row.finished_at = None if waits else now
    row.claim = row.claimed_at = row.claimed_until = None
