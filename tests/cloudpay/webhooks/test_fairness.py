"""Nobody waits for somebody else's endpoint, and no endpoint is overrun."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from cloudpay.merchants.service import create_merchant
from cloudpay.testing import FixedClock
from cloudpay.webhooks.claims import claim_due
from cloudpay.webhooks.client import Outcome
from cloudpay.webhooks.outcomes import settle
from cloudpay.webhooks.service import deliveries
from cloudpay.webhooks.states import DeliveryStatus


def test_a_hanging_endpoint_does_not_delay_another_one(bench: Any, receive: Any, tools: Any) -> None:
    slow, fast = receive(hang=True), receive(tools.status(200))
    patient = tools.with_webhooks(bench.gateway, timeout_seconds=10, concurrency=4)
    for number in range(20):
        bench.enqueue(slow.url, f"evt_slow_{number}")
    with tools.running(patient):
        slow.wait(2)
        for number in range(5):
            bench.enqueue(fast.url, f"evt_fast_{number}")
        fast.wait(5)
        assert slow.under_way == 2  # still hanging while all of the other's came through
        slow.release.set()
        slow.wait(20)
    assert slow.most_at_once == 2


def test_one_merchant_with_many_hanging_endpoints_leaves_room_for_others(
    bench: Any, receive: Any, tools: Any
) -> None:
    other = create_merchant(bench.gateway, "Other", livemode=False, payout_currencies={}, actor="cli:test")
    fast = receive(tools.status(200))
    patient = tools.with_webhooks(bench.gateway, timeout_seconds=10, concurrency=4)
    hanging = [receive(hang=True) for _ in range(4)]
    for number, slow in enumerate(hanging):
        for turn in range(2):
            bench.enqueue(slow.url, f"evt_{number}_{turn}")
    bench.enqueue(fast.url, "evt_fast", merchant_id=other.id)
    with tools.running(patient):
        fast.wait(1)
        assert sum(slow.under_way for slow in hanging) <= 3
        for slow in hanging:
            slow.release.set()


def test_two_workers_together_call_one_endpoint_at_most_twice_at_once(
    bench: Any, receive: Any, tools: Any
) -> None:
    receiver = receive(hang=True)
    for number in range(12):
        bench.enqueue(receiver.url, f"evt_{number}")
    with tools.running(tools.with_webhooks(bench.gateway, timeout_seconds=10), loops=2):
        receiver.wait(2)
        assert claim_due(bench.gateway, 10, Counter(), 10) == []
        receiver.release.set()
        calls = receiver.wait(12)
    assert receiver.most_at_once == 2
    assert len({call.headers["webhook-id"] for call in calls}) == len(calls) == 12


def test_another_merchants_backlog_on_the_same_host_stands_in_front_of_nobody(bench: Any) -> None:
    other = create_merchant(bench.gateway, "Other", livemode=False, payout_currencies={}, actor="cli:test")
    for number in range(20):
        bench.enqueue("http://127.0.0.1:40001/slow", f"evt_{number}", merchant_id=other.id)
    bench.enqueue("http://127.0.0.1:40001/hook", "evt_mine")
    claims = claim_due(bench.gateway, 10, Counter(), 10)
    assert sorted(each.url.rpartition("/")[2] for each in claims) == ["hook", "slow", "slow"]


def test_claims_take_turns_among_endpoints(bench: Any) -> None:
    for number in range(6):
        bench.enqueue("http://127.0.0.1:40001/", f"evt_a{number}")
    bench.enqueue("http://127.0.0.1:40002/", "evt_b")
    bench.enqueue("http://127.0.0.1:40003/", "evt_c")
    claims = claim_due(bench.gateway, 3, Counter(), 10)
    assert {each.url[-2] for each in claims} == {"1", "2", "3"}
    assert [each.url[-2] for each in claim_due(bench.gateway, 3, Counter(), 10)] == ["1"]
    assert claim_due(bench.gateway, 3, Counter(), 10) == []


def test_a_claim_whose_worker_is_gone_runs_out_and_the_delivery_is_sent_again(
    bench: Any, clock: FixedClock
) -> None:
    bench.enqueue("http://127.0.0.1:40001/")
    (first,) = claim_due(bench.gateway, 5, Counter(), 10)
    clock.advance(timedelta(seconds=12))  # the longest call, and the time to write down what came of it
    assert claim_due(bench.gateway, 5, Counter(), 10) == []
    clock.advance(timedelta(seconds=0.1))
    (second,) = claim_due(bench.gateway, 5, Counter(), 10)
    assert second.delivery_id == first.delivery_id and second.id != first.id
    assert "stopped during this call" in bench.only().last_error


def test_a_late_worker_cannot_settle_what_another_has_taken_over(bench: Any, clock: FixedClock) -> None:
    bench.enqueue("http://127.0.0.1:40001/")
    (first,) = claim_due(bench.gateway, 5, Counter(), 10)
    clock.advance(timedelta(minutes=1))
    (second,) = claim_due(bench.gateway, 5, Counter(), 10)
    done = Outcome(DeliveryStatus.SUCCEEDED, 200)

    def settled(claim: str) -> DeliveryStatus | None:
        after: DeliveryStatus | None = bench.gateway.db.run(
            lambda session: settle(session, first.delivery_id, claim, done, clock.now(session))
        )
        return after

    assert settled(first.id) is None
    assert bench.only().status is DeliveryStatus.SENDING
    assert settled(second.id) is DeliveryStatus.SUCCEEDED


def test_a_delivery_on_which_workers_die_each_time_comes_to_an_end(bench: Any, clock: FixedClock) -> None:
    bench.enqueue("http://127.0.0.1:40001/")
    for _ in range(10):
        assert len(claim_due(bench.gateway, 5, Counter(), 10)) == 1
        clock.advance(timedelta(minutes=1))
    assert claim_due(bench.gateway, 5, Counter(), 10) == []
    assert bench.only().status is DeliveryStatus.FAILED


def test_calls_that_hang_when_the_worker_stops_are_hung_up_on_and_due_again(
    bench: Any, receive: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.webhooks.loop._GRACE_SECONDS", 0.1)
    receiver = receive(hang=True)
    bench.enqueue(receiver.url)
    with tools.running(tools.with_webhooks(bench.gateway, timeout_seconds=15)):
        receiver.wait(1)
    again = bench.only()
    assert again.status is DeliveryStatus.PENDING
    assert len(claim_due(bench.gateway, 5, Counter(), 10)) == 1


def test_a_database_that_fails_does_not_end_the_loop(
    bench: Any, receive: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = threading.Event()

    def fail_once(*args: Any) -> Any:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("the database is away")
        return claim_due(*args)

    monkeypatch.setattr("cloudpay.webhooks.loop.claim_due", fail_once)
    receiver = receive(tools.status(200))
    with tools.running(bench.gateway):
        assert failed.wait(tools.limit)
        bench.enqueue(receiver.url)
        receiver.wait(1)


def test_a_nudge_sends_what_is_due_without_waiting_for_the_next_look(
    bench: Any, receive: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.webhooks.loop._LONGEST_WAIT", timedelta(hours=1))
    receiver = receive(tools.status(200))
    with tools.running(bench.gateway):
        bench.enqueue(receiver.url)
        receiver.wait(1)
    assert [each.status for each in deliveries(bench.gateway, bench.merchant.id).items] == ["succeeded"]
