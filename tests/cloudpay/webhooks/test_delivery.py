"""What becomes of a delivery over time."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from standardwebhooks import Webhook

from cloudpay.kernel.secrets import AppKey
from cloudpay.merchants.service import rotate_webhook_secret, webhook_secrets
from cloudpay.testing import FixedClock
from cloudpay.webhooks.claims import claim_due
from cloudpay.webhooks.schedule import DELAYS
from cloudpay.webhooks.service import get_delivery
from cloudpay.webhooks.states import DeliveryStatus

BODY = '{"status": "paid", "amount": "10.00", "customer_name": "Zoë"}'


def test_a_delivery_arrives_signed_byte_for_byte(bench: Any, receive: Any, tools: Any) -> None:
    receiver = receive(tools.status(200, b"thanks"))
    with tools.running(bench.gateway):
        bench.enqueue(receiver.url, body=BODY)
        (call,) = receiver.wait(1)
        done = bench.until(lambda each: each.status is DeliveryStatus.SUCCEEDED)
    assert call.body == BODY.encode()
    (secret,) = webhook_secrets(bench.gateway, bench.merchant.id)
    assert Webhook(secret).verify(call.body, call.headers) == json.loads(BODY)
    assert call.headers["webhook-id"] == "evt_1"
    (attempt,) = get_delivery(bench.gateway, bench.merchant.id, done.id).attempts
    assert (attempt.number, attempt.status_code, attempt.error, attempt.answer) == (1, 200, None, "thanks")
    assert done.finished_at is not None and done.next_attempt_at is None


def test_during_a_rotation_both_secrets_verify_and_later_only_the_new_one(
    bench: Any, receive: Any, tools: Any, clock: FixedClock
) -> None:
    receiver = receive(tools.status(200))
    (old,) = webhook_secrets(bench.gateway, bench.merchant.id)
    new = rotate_webhook_secret(
        bench.gateway, bench.merchant.id, actor="cli:test", window=timedelta(minutes=1)
    )
    with tools.running(bench.gateway):
        bench.enqueue(receiver.url, "evt_1")
        bench.until(lambda each: each.status is DeliveryStatus.SUCCEEDED)  # or its claim would run out below
        clock.advance(timedelta(minutes=1))
        bench.enqueue(receiver.url, "evt_2")
        during, after = receiver.wait(2)
    assert [Webhook(each).verify(during.body, during.headers) for each in (old, new)]
    assert Webhook(new).verify(after.body, after.headers)
    assert len(after.headers["webhook-signature"].split(" ")) == 1


def test_a_failure_is_tried_again_on_schedule_with_the_same_id_and_body(
    bench: Any, receive: Any, tools: Any, clock: FixedClock
) -> None:
    receiver = receive(tools.status(500, b"broken"), tools.status(200))
    with tools.running(bench.gateway) as wake:
        bench.enqueue(receiver.url)
        failed = bench.until(lambda each: each.attempt_count == 1 and each.status is DeliveryStatus.PENDING)
        assert timedelta(seconds=5) <= failed.next_attempt_at - clock.moment <= timedelta(seconds=5.5)
        assert failed.last_error == "The endpoint answered 500 instead of 2xx."
        clock.advance(timedelta(seconds=4.9))
        wake.set()
        assert claim_due(bench.gateway, 1, Counter(), 1) == []
        clock.advance(timedelta(seconds=0.7))
        wake.set()
        first, second = receiver.wait(2)
        done = bench.until(lambda each: each.status is DeliveryStatus.SUCCEEDED)
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    attempts = get_delivery(bench.gateway, bench.merchant.id, done.id).attempts
    assert [each.status_code for each in attempts] == [500, 200]


def test_after_the_last_attempt_of_the_schedule_it_is_given_up(
    bench: Any, receive: Any, tools: Any, clock: FixedClock
) -> None:
    receiver = receive(tools.status(503))
    waits: list[timedelta] = []
    with tools.running(bench.gateway) as wake:
        bench.enqueue(receiver.url)
        for number in range(1, len(DELAYS)):
            each = bench.until(
                lambda each, number=number: (
                    each.attempt_count == number and each.status is DeliveryStatus.PENDING
                )
            )
            waits.append(each.next_attempt_at - clock.moment)
            clock.advance(waits[-1])
            wake.set()
        last = bench.until(lambda each: each.status is DeliveryStatus.FAILED)
    assert last.attempt_count == len(receiver.calls) == 10
    assert all(wanted <= real <= wanted * 1.1 for wanted, real in zip(DELAYS[1:], waits, strict=True))


def test_410_ends_it_at_once(bench: Any, receive: Any, tools: Any) -> None:
    receiver = receive(tools.status(410))
    with tools.running(bench.gateway):
        bench.enqueue(receiver.url)
        gone = bench.until(lambda each: each.status is DeliveryStatus.GONE)
    assert (gone.attempt_count, gone.next_attempt_at, gone.last_status_code) == (1, None, 410)


def test_retry_after_is_kept_to(bench: Any, receive: Any, tools: Any, clock: FixedClock) -> None:
    receiver = receive(tools.status(429, Retry_After="90"), tools.status(200))
    with tools.running(bench.gateway):
        bench.enqueue(receiver.url)
        waiting = bench.until(lambda each: each.attempt_count == 1 and each.status is DeliveryStatus.PENDING)
    assert timedelta(seconds=90) <= waiting.next_attempt_at - clock.moment <= timedelta(seconds=99)


def test_a_redirect_counts_as_a_failure(bench: Any, receive: Any, tools: Any) -> None:
    elsewhere = receive(tools.status(200))
    receiver = receive(tools.status(302, Location=elsewhere.url))
    with tools.running(bench.gateway):
        bench.enqueue(receiver.url)
        failed = bench.until(lambda each: each.attempt_count == 1 and each.status is DeliveryStatus.PENDING)
    assert "Redirects are not followed" in failed.last_error
    assert elsewhere.calls == []


def test_a_target_that_may_no_longer_be_called_is_blocked_when_it_is_sent(
    bench: Any, receive: Any, tools: Any
) -> None:
    receiver = receive(tools.status(200))
    bench.enqueue(receiver.url)
    with tools.running(tools.with_webhooks(bench.gateway, allow_private_targets=False)):
        blocked = bench.until(lambda each: each.status is DeliveryStatus.BLOCKED)
    assert receiver.calls == []
    assert "not a public address" in blocked.last_error


def test_an_event_that_cannot_be_signed_waits_and_is_never_sent_unsigned(
    bench: Any, receive: Any, tools: Any
) -> None:
    receiver = receive(tools.status(200))
    bench.enqueue(receiver.url)
    with tools.running(replace(bench.gateway, app_key=AppKey(b"x" * 32))):
        bench.until(lambda each: each.attempt_count == 1 and each.status is DeliveryStatus.PENDING)
    assert receiver.calls == []
