"""How long an endpoint or a node asks to be left in peace."""

from datetime import UTC, datetime, timedelta

import pytest

from cloudpay.kernel.retry_after import parse_retry_after

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


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
