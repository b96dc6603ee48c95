"""The scheduler: one at a time, and one job's trouble is its own."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloudpay.app.scheduler import LEASE, Scheduler
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.clock import DatabaseClock
from cloudpay.kernel.leases import LeaseRow

pytestmark = pytest.mark.timeout(60)

Start = Callable[..., threading.Event]


@pytest.fixture
def live(gateway: Gateway) -> Gateway:
    """The gateway with a clock that goes on: leases run out."""
    return Gateway(gateway.settings, gateway.db, DatabaseClock(), gateway.chains, gateway.app_key)


@pytest.fixture
def start(live: Gateway) -> Iterator[Start]:
    """Run a schedule in a thread; answers its event to stop."""
    running: list[tuple[threading.Event, threading.Thread]] = []

    def begin(schedule: Any) -> threading.Event:
        stop = threading.Event()
        thread = threading.Thread(target=Scheduler(live, schedule).run, args=(stop, threading.Event()))
        thread.start()
        running.append((stop, thread))
        return stop

    yield begin
    for stop, thread in running:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def test_work_is_done_again_and_again_although_other_work_fails(start: Start, eventually: Any) -> None:
    done: list[int] = []

    def fail(_gateway: Gateway) -> None:
        raise RuntimeError("a bad row")

    start({"fails": (0.0, fail), "works": (0.0, lambda _gateway: done.append(1))})
    eventually(lambda: len(done) >= 3)


def test_of_two_schedulers_one_works_and_the_other_takes_over_when_it_stops(
    start: Start, live: Gateway, eventually: Any
) -> None:
    first: list[int] = []
    second: list[int] = []
    stop_first = start({"work": (0.0, lambda _gateway: first.append(1))})
    eventually(lambda: first)
    start({"work": (0.0, lambda _gateway: second.append(1))})
    seen = len(first)
    eventually(lambda: len(first) >= seen + 3)
    assert not second
    stop_first.set()
    eventually(lambda: second, seconds=20)
    with live.db.read() as session:
        row = session.get(LeaseRow, LEASE)
    assert row is not None
    assert row.token == 2


def test_every_queue_is_nudged_now_and_then(start: Start, live: Gateway, eventually: Any) -> None:
    """What a lost nudge left lying is found."""
    nudged: set[str] = set()
    live.db.nudge = nudged.add
    start({})
    eventually(lambda: nudged == {"events", "webhooks", "watch", "send"})
