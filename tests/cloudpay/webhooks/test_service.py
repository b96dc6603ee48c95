from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from cloudpay.audit.service import entries
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.kernel.paging import Paging
from cloudpay.kernel.states import IllegalTransition
from cloudpay.merchants.service import create_merchant
from cloudpay.testing import FixedClock
from cloudpay.webhooks.redelivery import redeliver
from cloudpay.webhooks.service import (
    UnknownDelivery,
    check_callback_url,
    deliveries,
    get_delivery,
    oldest_due,
    pending_count,
)
from cloudpay.webhooks.states import DeliveryStatus

URL = "https://shop.example/hook"


def test_an_event_is_queued_once_however_often_its_handler_runs(bench: Any) -> None:
    bench.enqueue(URL, body="{}")
    bench.enqueue("https://other.example/", body='{"changed": true}')
    assert get_delivery(bench.gateway, bench.merchant.id, bench.only().id).body == "{}"
    assert bench.only().url == URL


def test_an_event_is_queued_once_by_handlers_that_run_at_the_same_moment(bench: Any) -> None:
    barrier = Barrier(4)

    def handle() -> None:
        barrier.wait()
        bench.enqueue(URL)

    threads = [Thread(target=handle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bench.only().status is DeliveryStatus.PENDING


def test_the_workers_are_nudged_after_the_commit(bench: Any) -> None:
    nudged: list[tuple[str, int]] = []
    bench.gateway.db.nudge = lambda queue: nudged.append((queue, pending_count(bench.gateway)))
    bench.enqueue(URL)
    assert nudged == [("webhooks", 1)]


def test_an_event_for_a_forbidden_address_is_kept_as_blocked(bench: Any) -> None:
    bench.enqueue("http://169.254.169.254/latest")
    blocked = bench.only()
    assert (blocked.status, blocked.next_attempt_at) == (DeliveryStatus.BLOCKED, None)
    assert "169.254.169.254 is not a public address" in blocked.last_error
    with pytest.raises(InvalidRequest):
        redeliver(bench.gateway, bench.merchant.id, blocked.id, actor="cli:test")
    assert bench.only().status is DeliveryStatus.BLOCKED


def test_a_callback_url_is_checked_by_the_settings(gateway: Any, development: Any) -> None:
    check_callback_url(development, "http://127.0.0.1:8000/")
    with pytest.raises(InvalidRequest) as caught:
        check_callback_url(gateway, "http://127.0.0.1:8000/")
    assert "callback_url" in caught.value.errors


def test_a_redelivery_is_a_new_series_of_the_same_event_and_is_audited(
    bench: Any, receive: Any, tools: Any
) -> None:
    receiver = receive(tools.status(410), tools.status(200))
    with tools.running(bench.gateway):
        bench.enqueue(receiver.url)
        gone = bench.until(lambda each: each.status is DeliveryStatus.GONE)
        redeliver(bench.gateway, bench.merchant.id, gone.id, actor="cli:test")
        first, second = receiver.wait(2)
        done = bench.until(lambda each: each.status is DeliveryStatus.SUCCEEDED)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "evt_1"
    assert first.body == second.body
    attempts = get_delivery(bench.gateway, bench.merchant.id, done.id).attempts
    assert [(each.number, each.series) for each in attempts] == [(1, 1), (2, 2)]
    entry = next(
        each
        for each in entries(bench.gateway, bench.merchant.id).items
        if each.action == "webhook.redelivered"
    )
    assert (entry.actor, entry.subject) == ("cli:test", gone.id)


def test_what_is_being_sent_cannot_be_redelivered(bench: Any, receive: Any, tools: Any) -> None:
    receiver = receive(hang=True)
    bench.enqueue(receiver.url)
    with tools.running(bench.gateway):
        receiver.wait(1)
        with pytest.raises(IllegalTransition):
            redeliver(bench.gateway, bench.merchant.id, bench.only().id, actor="cli:test")
        receiver.release.set()


def test_another_merchants_delivery_is_as_unknown_as_none(bench: Any) -> None:
    bench.enqueue(URL)
    other = create_merchant(bench.gateway, "Other", livemode=False, payout_currencies={}, actor="cli:test")
    for delivery_id in (bench.only().id, "whd_none"):
        with pytest.raises(UnknownDelivery):
            get_delivery(bench.gateway, other.id, delivery_id)
        with pytest.raises(UnknownDelivery):
            redeliver(bench.gateway, other.id, delivery_id, actor="cli:test")
    assert deliveries(bench.gateway, other.id).items == ()


def test_the_list_is_filtered_and_paged(bench: Any) -> None:
    for number in range(5):
        bench.enqueue(URL, f"evt_{number}", invoice_id=f"INV-{number % 2}")
    bench.enqueue("http://0.0.0.0/", "evt_blocked")
    merchant = bench.merchant.id
    page = deliveries(bench.gateway, merchant, invoice_id="INV-0", paging=Paging(limit=2))
    assert [each.event_id for each in page.items] == ["evt_4", "evt_2"] and page.more
    blocked = deliveries(bench.gateway, merchant, status=DeliveryStatus.BLOCKED)
    assert [each.event_id for each in blocked.items] == ["evt_blocked"]


def test_the_backlog_counts_what_waits_and_since_when(bench: Any, clock: FixedClock) -> None:
    assert (pending_count(bench.gateway), oldest_due(bench.gateway)) == (0, None)
    began = clock.moment
    bench.enqueue(URL, "evt_1")
    clock.advance(timedelta(minutes=1))
    bench.enqueue(URL, "evt_2")
    bench.enqueue("http://0.0.0.0/", "evt_blocked")
    assert (pending_count(bench.gateway), oldest_due(bench.gateway)) == (2, began)
