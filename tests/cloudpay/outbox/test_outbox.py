"""The outbox by itself: handed on at least once, by one drainer at a time, whatever fails."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import Database
from cloudpay.outbox.models import OutboxRow
from cloudpay.outbox.service import (
    OutboxEvent,
    append,
    backlog,
    prune,
)
from cloudpay.testing import FixedClock
from tests.cloudpay.outbox.events import Listener, almost_happen, hand_on, happen

LIMIT = 30.0  # seconds that a test waits for what must come
CLAIM = timedelta(seconds=61)  # a drainer that has not come back by then is taken for dead
SECOND = timedelta(seconds=1)


@pytest.fixture
def other_process(gateway: Gateway) -> Iterator[Gateway]:
    """The same gateway as another process has it: with connections of its own."""
    database = Database(gateway.db.url)
    yield replace(gateway, db=database)
    database.close()


def test_events_come_once_oldest_first_with_what_was_written(gateway: Gateway) -> None:
    happen(gateway, "a", payload={"n": 1, "why": "é", "live": False, "url": None})
    happen(gateway, "b", "c")
    listener = Listener()
    assert hand_on(gateway, listener, limit=2) == 2
    assert hand_on(gateway, listener, limit=2) == 1
    assert hand_on(gateway, listener, limit=2) == 0
    assert listener.subjects == ["a", "b", "c"]
    assert listener.events[0].payload == {"n": 1, "why": "é", "live": False, "url": None}
    assert backlog(gateway).waiting == 0


def test_what_is_rolled_back_never_happened(gateway: Gateway) -> None:
    with pytest.raises(RuntimeError, match="no"):
        almost_happen(gateway)
    listener = Listener()
    assert hand_on(gateway, listener) == 0
    assert listener.events == []


def test_the_queue_is_nudged_once_and_only_after_the_commit(gateway: Gateway) -> None:
    nudged: list[str] = []
    gateway.db.nudge = nudged.append
    with gateway.db.transaction() as session:
        append(session, gateway.clock, "thing.happened", "a")
        append(session, gateway.clock, "thing.happened", "b")
        session.flush()
        assert nudged == []
    assert nudged == ["events"]


def test_nothing_is_nudged_for_what_is_rolled_back(gateway: Gateway) -> None:
    nudged: list[str] = []
    gateway.db.nudge = nudged.append
    with pytest.raises(RuntimeError, match="no"):
        almost_happen(gateway)
    assert nudged == []


def test_what_a_killed_drainer_held_comes_again_when_its_claim_has_run_out(
    gateway: Gateway, other_process: Gateway, clock: FixedClock
) -> None:
    happen(gateway, "a", "b")
    listener = Listener()

    def die(gateway: Gateway, event: OutboxEvent) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        hand_on(gateway, listener, die)
    assert hand_on(other_process, listener) == 0
    clock.advance(CLAIM)
    assert hand_on(other_process, listener) == 2
    assert listener.subjects == ["a", "a", "b"]
    assert backlog(gateway).waiting == 0


def test_while_one_drainer_works_another_gets_only_the_others(
    gateway: Gateway, other_process: Gateway
) -> None:
    happen(gateway, *"abcde")
    working, go_on = threading.Event(), threading.Event()
    first, second = Listener(), Listener()

    def slow(gateway: Gateway, event: OutboxEvent) -> None:
        working.set()
        assert go_on.wait(LIMIT)

    thread = threading.Thread(target=hand_on, args=(gateway, first, slow), kwargs={"limit": 3}, daemon=True)
    thread.start()
    assert working.wait(LIMIT)
    assert hand_on(other_process, second) == 2
    assert hand_on(other_process, second) == 0
    go_on.set()
    thread.join(LIMIT)
    assert (first.subjects, second.subjects) == (["a", "b", "c"], ["d", "e"])
    assert backlog(gateway).waiting == 0


def test_drainers_that_claim_at_the_same_time_share_out_the_events(
    gateway: Gateway, other_process: Gateway
) -> None:
    happen(gateway, *(f"event {number}" for number in range(40)))
    start, listener = threading.Barrier(4, timeout=LIMIT), Listener()

    def work(process: Gateway) -> None:
        start.wait()
        while backlog(process).waiting:
            hand_on(process, listener, limit=3)

    threads = [
        threading.Thread(target=work, args=(each,), daemon=True) for each in (gateway, other_process) * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    assert set(Counter(listener.subjects).values()) == {1}
    assert len(listener.subjects) == 40


def test_a_drainer_that_meets_another_one_takes_its_share_at_once_instead_of_nothing(
    gateway: Gateway, other_process: Gateway
) -> None:
    shares: list[int] = []
    for round_ in range(5):
        happen(gateway, *(f"event {round_}.{number}" for number in range(12)))
        start, listener = threading.Barrier(4, timeout=LIMIT), Listener()

        def work(process: Gateway, start: threading.Barrier = start, listener: Listener = listener) -> None:
            start.wait()
            shares.append(hand_on(process, listener, limit=3))

        threads = [threading.Thread(target=work, args=(each,)) for each in (gateway, other_process) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
    assert shares == [3] * 20


def test_a_failing_event_waits_longer_each_time_and_the_others_go_on(
    gateway: Gateway, clock: FixedClock
) -> None:
    happen(gateway, "good", "bad", "better")
    listener = Listener(fails_on="bad")
    assert hand_on(gateway, listener) == 3
    assert listener.subjects == ["good", "bad", "better"]
    for seconds in (2, 4, 8, 16):
        clock.advance(seconds * SECOND - timedelta(milliseconds=1))
        assert hand_on(gateway, listener) == 0
        clock.advance(timedelta(milliseconds=1))
        assert hand_on(gateway, listener) == 1
    waiting = backlog(gateway)
    assert (waiting.waiting, waiting.failing) == (1, 1)
    with gateway.db.read() as session:
        row = session.scalars(select(OutboxRow).where(OutboxRow.subject == "bad")).one()
    assert (row.attempts, row.last_error) == (5, "RuntimeError: the shop is shut")


def test_a_failing_event_is_tried_at_least_every_ten_minutes(gateway: Gateway, clock: FixedClock) -> None:
    happen(gateway, "bad")
    listener = Listener(fails_on="bad")
    for _ in range(14):
        assert hand_on(gateway, listener) == 1
        clock.advance(timedelta(minutes=10))
    mended = Listener()
    assert hand_on(gateway, mended) == 1
    assert backlog(gateway).waiting == 0


def test_a_handler_that_fails_keeps_those_after_it_from_the_event(
    gateway: Gateway, clock: FixedClock
) -> None:
    happen(gateway, "bad")
    failing, after = Listener(fails_on="bad"), Listener()
    hand_on(gateway, failing, after)
    assert after.events == []
    clock.advance(2 * SECOND)
    hand_on(gateway, Listener(), after)
    assert after.subjects == ["bad"]


def test_an_event_that_nobody_handles_does_not_wait(gateway: Gateway) -> None:
    happen(gateway, "a", name="thing.kept")
    assert hand_on(gateway, Listener()) == 1
    assert backlog(gateway).waiting == 0


def test_the_backlog_says_since_when_it_waits(gateway: Gateway, clock: FixedClock) -> None:
    assert backlog(gateway).oldest is None
    began = clock.moment
    happen(gateway, "a")
    clock.advance(SECOND)
    happen(gateway, "b")
    assert (backlog(gateway).waiting, backlog(gateway).oldest) == (2, began)


def test_handled_events_are_forgotten_after_a_week_and_waiting_ones_never(
    gateway: Gateway, clock: FixedClock
) -> None:
    happen(gateway, "old", "bad")
    hand_on(gateway, Listener(fails_on="bad"))
    clock.advance(timedelta(days=7))
    happen(gateway, "new")
    hand_on(gateway, Listener(fails_on="bad"))
    prune(gateway)
    assert _count(gateway) == 3
    clock.advance(SECOND)
    prune(gateway)
    assert _count(gateway) == 2
    clock.advance(timedelta(days=30))
    prune(gateway)
    with gateway.db.read() as session:
        assert session.scalars(select(OutboxRow.subject)).all() == ["bad"]


def _count(gateway: Gateway) -> int:
    with gateway.db.read() as session:
        return session.scalar(select(func.count()).select_from(OutboxRow)) or 0


def test_an_event_that_has_failed_for_days_still_comes_again_and_holds_up_no_other(
    gateway: Gateway, clock: FixedClock
) -> None:
    happen(gateway, "bad", "good")
    with gateway.db.transaction() as session:
        session.execute(update(OutboxRow).where(OutboxRow.subject == "bad").values(attempts=1_000))
    assert hand_on(gateway, Listener(fails_on="bad")) == 2
    assert (backlog(gateway).waiting, backlog(gateway).failing) == (1, 1)
    clock.advance(timedelta(minutes=10))
    assert hand_on(gateway, Listener()) == 1
    assert backlog(gateway).waiting == 0
