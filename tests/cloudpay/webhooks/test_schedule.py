from datetime import UTC, datetime, timedelta

import pytest

from cloudpay.webhooks.schedule import DELAYS, next_delay, parse_retry_after

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("9" * 5000, timedelta(seconds=999_999_999)),
        ("Thu, 01 Jan 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Thu, 01 Jan 2026 12:01:00", timedelta(minutes=1)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", timedelta(0)),
        ("-5", None),
        ("soon", None),
        ("١٢", None),
        ("", None),
        (None, None),
        ("Thu, 99 Jan 2026 12:01:00 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 +2359", timedelta(0)),
        ("Mon, 01 Jan 2026 00:00:00 +99999999999999999999", None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_nonsense_is_no_wish(
    text: str | None, wanted: timedelta | None
) -> None:
    assert parse_retry_after(text, NOW) == wanted
