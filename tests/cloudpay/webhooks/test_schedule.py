from datetime import timedelta

from cloudpay.webhooks.schedule import DELAYS, next_delay


def exactly(low: float, _high: float) -> float:
    return low


def test_the_schedule_is_the_published_one_and_then_ends() -> None:
    delays = [next_delay(made, spread=exactly) for made in range(len(DELAYS) + 1)]
    hours = [2, 5, 10, 14, 20, 24]
    assert [each and each.total_seconds() for each in delays] == [
        timedelta(0),
        5,
        300,
        1800,
        *(hour * 3600 for hour in hours),
        None,
    ]


def test_jitter_only_puts_off() -> None:
    waits = {next_delay(2) for _ in range(200)}
    assert len(waits) > 100
    assert all(timedelta(minutes=5) <= each <= timedelta(minutes=5.5) for each in waits if each)


def test_retry_after_puts_off_but_not_beyond_a_day_and_never_brings_forward() -> None:
    assert next_delay(1, timedelta(minutes=1), spread=exactly) == timedelta(minutes=1)
    assert next_delay(2, timedelta(seconds=1), spread=exactly) == timedelta(minutes=5)
    assert next_delay(1, timedelta(days=900), spread=exactly) == timedelta(hours=24)
