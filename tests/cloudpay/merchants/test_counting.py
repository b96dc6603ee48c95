"""Hits are counted exactly, though Redis is not asked at each."""

import threading
from typing import Any

import pytest
from limits import parse_many
from limits.strategies import FixedWindowRateLimiter

from cloudpay.merchants.counting import HitCounter


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The cost of every hit that a storage was asked to count."""
    costs: list[int] = []
    hit = FixedWindowRateLimiter.hit

    def noted(self: FixedWindowRateLimiter, *arguments: Any, cost: int = 1) -> bool:
        costs.append(cost)
        return hit(self, *arguments, cost=cost)

    monkeypatch.setattr(FixedWindowRateLimiter, "hit", noted)
    return costs


def _admitted(counter: HitCounter, limit: str, tries: int) -> int:
    return sum(counter.exceeded(parse_many(limit), "test", "who") is None for _ in range(tries))


def test_a_large_limit_is_reached_exactly_and_redis_is_seldom_asked(
    valkey_url: str, asked: list[int]
) -> None:
    assert _admitted(HitCounter(valkey_url), "1000 per hour", 1_200) == 1_000
    assert len(asked) == 100 + 200, "one step of ten hits each time, then once for each that is refused"


def test_several_processes_never_exceed_a_limit_together(valkey_url: str) -> None:
    counters, admitted = [HitCounter(valkey_url) for _ in range(3)], [0, 0, 0]

    def press(number: int) -> None:
        admitted[number] = _admitted(counters[number], "500 per hour", 300)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 500 - 3 * 4 <= sum(admitted) <= 500


def test_threads_of_one_process_never_exceed_a_limit_together(valkey_url: str) -> None:
    counter, admitted = HitCounter(valkey_url), [0] * 8

    def press(number: int) -> None:
        admitted[number] = _admitted(counter, "500 per hour", 100)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(admitted) == 500


def test_a_small_limit_and_one_by_the_second_are_counted_hit_by_hit(
    valkey_url: str, asked: list[int]
) -> None:
    counter = HitCounter(valkey_url)
    assert _admitted(counter, "60 per minute", 5) == 5
    assert counter.exceeded(parse_many("100000 per second"), "test", "other") is None
    assert set(asked) == {1}


def test_a_step_ends_with_its_window(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, asked: list[int]
) -> None:
    counter = HitCounter(valkey_url)
    assert _admitted(counter, "6000 per minute", 3) == 3
    assert asked == [50]
    monkeypatch.setattr("cloudpay.merchants.counting.time.time", lambda: 1e12)
    assert _admitted(counter, "6000 per minute", 1) == 1
    assert asked == [50, 50], "what was left of the first is not carried over"


def test_every_limit_of_several_counts(valkey_url: str) -> None:
    assert _admitted(HitCounter(valkey_url), "5 per minute; 3 per hour", 6) == 3


def test_steps_of_ever_new_addresses_take_no_endless_memory(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.merchants.counting._MOST_KEPT", 10)
    counter = HitCounter(valkey_url)
    for number in range(50):
        assert counter.exceeded(parse_many("6000 per minute"), "test", str(number)) is None
    assert len(counter._steps) <= 10
