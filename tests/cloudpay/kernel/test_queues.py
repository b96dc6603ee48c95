import socket
import threading
import time
from collections.abc import Iterator

import pytest

from cloudpay.kernel.queues import Nudges, wake, wake_event


class Hand:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """A server that accepts connections and never answers, as a Redis does that hangs."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(128)
        yield server


def test_a_nudge_to_a_redis_that_is_down_neither_raises_nor_waits() -> None:
    nudges = Nudges("redis://127.0.0.1:1/0")
    began = time.monotonic()
    for _ in range(100):
        nudges("events")
    assert time.monotonic() - began < 1


def test_a_nudge_to_a_redis_that_hangs_is_given_up_at_once_and_not_tried_again_for_a_while(
    silent_server: socket.socket,
) -> None:
    hand = Hand()
    nudges = Nudges(f"redis://127.0.0.1:{silent_server.getsockname()[1]}/0", monotonic=hand)
    silent_server.settimeout(0.5)
    began = time.monotonic()
    nudges("events")
    assert time.monotonic() - began < 2
    assert _attempts(silent_server) == 1
    nudges("events")
    assert _attempts(silent_server) == 0, "a second try within the pause"
    hand.now += 1.1
    nudges("events")
    assert _attempts(silent_server) == 1
    hand.now += 1.1
    nudges("events")
    assert _attempts(silent_server) == 0, "the pause did not grow"


def _attempts(server: socket.socket) -> int:
    found = 0
    while True:
        try:
            connection, _ = server.accept()
        except TimeoutError:
            return found
        connection.close()
        found += 1


def test_an_unknown_queue_and_a_gateway_without_redis_are_no_error() -> None:
    Nudges("")("events")
    Nudges("redis://127.0.0.1:1/0")("no such queue")


def test_the_job_wakes_every_loop_of_its_queue_and_no_other() -> None:
    mine, also_mine, other = wake_event("send"), wake_event("send"), wake_event("mail")
    wake("send")
    assert (mine.is_set(), also_mine.is_set(), other.is_set()) == (True, True, False)


def test_a_nudge_wakes_the_loops_of_its_own_process_without_redis() -> None:
    mine, other = wake_event("send"), wake_event("mail")
    Nudges("")("send")
    assert not mine.is_set(), "a process that has no loops wakes none"
    Nudges("", here=wake)("send")
    assert (mine.is_set(), other.is_set()) == (True, False)


def test_many_threads_that_meet_a_dead_redis_do_not_wait_for_each_other() -> None:
    nudges = Nudges("redis://127.0.0.1:1/0")
    threads = [threading.Thread(target=nudges, args=("watch",)) for _ in range(20)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert time.monotonic() - began < 3
