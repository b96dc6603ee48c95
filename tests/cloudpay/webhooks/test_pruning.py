"""Webhooks that ended long ago are forgotten, a bounded number at a time; what still waits never is."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cloudpay.chains.gateway import Gateway
from cloudpay.testing import FixedClock
from cloudpay.webhooks.models import Attempt, Delivery
from cloudpay.webhooks.pruning import prune
from cloudpay.webhooks.redelivery import redeliver
from cloudpay.webhooks.states import DeliveryStatus

KEPT = timedelta(days=90)
BLOCKED = "http://169.254.169.254/"
"""Its delivery is over as soon as it is queued."""


def deliver(gateway: Gateway, bench: Any, clock: FixedClock, event: str, url: str = BLOCKED) -> str:
    """Queue a webhook that has been tried once, and answer its id."""
    bench.enqueue(url, event_id=event)
    with gateway.db.transaction() as session:
        found = session.scalars(select(Delivery.id).where(Delivery.event_id == event)).one()
        session.add(
            Attempt(id=f"att_{event}", delivery_id=found, number=1, series=1, started_at=clock.now(session))
        )
    return found


def left(gateway: Gateway) -> tuple[list[str], int]:
    """The events whose webhooks are kept, and the number of attempts."""
    with gateway.db.read() as session:
        events = list(session.scalars(select(Delivery.event_id).order_by(Delivery.event_id)))
        return events, session.scalar(select(func.count()).select_from(Attempt)) or 0


def test_finished_webhooks_are_forgotten_with_their_attempts_and_waiting_ones_never(
    bench: Any, gateway: Gateway, clock: FixedClock
) -> None:
    deliver(gateway, bench, clock, "old")
    deliver(gateway, bench, clock, "waits", "https://shop.example/hook")
    clock.advance(KEPT)
    deliver(gateway, bench, clock, "young")
    assert prune(gateway) == 0
    clock.advance(timedelta(seconds=1))
    assert prune(gateway) == 1
    assert left(gateway) == (["waits", "young"], 2)
    clock.advance(KEPT * 10)
    assert prune(gateway) == 1
    assert left(gateway) == (["waits"], 1)


def test_a_webhook_that_was_sent_again_stays(bench: Any, gateway: Gateway, clock: FixedClock) -> None:
    delivery = deliver(gateway, bench, clock, "again", "https://shop.example/hook")
    with gateway.db.transaction() as session:
        row = session.get_one(Delivery, delivery)
        row.status, row.finished_at = DeliveryStatus.SUCCEEDED, clock.now(session)
    clock.advance(KEPT * 2)
    redeliver(gateway, bench.merchant.id, delivery, actor="cli:test")
    assert prune(gateway) == 0
    assert left(gateway) == (["again"], 1)


def test_a_run_forgets_in_batches_and_leaves_the_rest_for_the_next(
    bench: Any, gateway: Gateway, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.webhooks.pruning.BATCH", 2)
    monkeypatch.setattr("cloudpay.kernel.pruning.BATCH", 2)
    monkeypatch.setattr("cloudpay.kernel.pruning._BATCHES", 2)
    for number in range(5):
        deliver(gateway, bench, clock, f"old{number}")
    clock.advance(KEPT * 2)
    assert prune(gateway) == 4
    assert prune(gateway) == 1
    assert left(gateway) == ([], 0)
