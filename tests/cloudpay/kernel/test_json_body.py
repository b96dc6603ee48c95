from decimal import Decimal

import pytest

from cloudpay.kernel.json_body import MAX_DEPTH, MalformedBody, parse_json


def test_numbers_keep_every_digit() -> None:
    text = b'{"a": 0.1234567890123456789012345, "b": 50.00, "c": 123456789012345678901234567890}'
    assert parse_json(text) == {
        "a": Decimal("0.1234567890123456789012345"),
        "b": Decimal("50.00"),
        "c": 123456789012345678901234567890,
    }
    assert str(parse_json(b'{"b": 50.00}')["b"]) == "50.00"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"amount=5", "not JSON"),
        (b'{"a": 1}{"b": 2}', "not JSON"),
        (b'\xff\xfe{\x00"', "UTF-8"),
        (b'{"a": "\xe4"}', "UTF-8"),
        (b'{"a": 1, "a": 2}', "'a' is there twice"),
        (b'{"x": {"a": 1, "a": 1}}', "'a' is there twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b"[" * 100_000, "levels deep"),
        (b'{"a":' * 100_000, "levels deep"),
        (b"[" * 100_000 + b"]" * 100_000, "levels deep"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "levels deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "characters"),
        (b'{"a": 0.' + b"9" * 5000 + b"}", "characters"),
        (b'{"a": 1e' + b"9" * 5000 + b"}", "characters"),
        (b'{"a": "\\u0000"}', "cannot be stored"),
        (b'{"\\ud800": 1}', "cannot be stored"),
        (b'{"a": ["\\udfff"]}', "cannot be stored"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_used_is_refused_with_the_reason(body: bytes, says: str) -> None:
    """F100."""
    with pytest.raises(MalformedBody, match=says):
        parse_json(body)


def test_usual_json_is_read() -> None:
    body = '\ufeff{"name": "Zo\\u00eb \\ud83d\\ude00", "list": [1, null, true]}'.encode()
    assert parse_json(body) == {"name": "Zoë 😀", "list": [1, None, True]}
    depth = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_json(depth)
