import json
import subprocess
import sys
import time
from decimal import Decimal

import pytest

from cloudpay.kernel.json_body import MAX_DEPTH, MAX_KEYS, MalformedBody, parse_json


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


def test_a_deep_body_is_refused_whatever_the_interpreters_limit_is() -> None:
    """F100: a library that raises the limit must not make a body crash the process."""
    program = (
        "import sys; sys.setrecursionlimit(10_000_000)\n"
        "from cloudpay.kernel.json_body import MalformedBody, parse_json\n"
        "try: parse_json(b'[' * 1_000_000)\n"
        "except MalformedBody as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, "levels deep" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize(
    "body",
    [b'"' + b'\\"[' * 300_000, b'["' + b"[" * 900_000, b"[]," * 300_000, b'{"a":"' + b"\\" * 999_999],
    ids=["escaped quotes", "text without end", "many brackets", "backslashes"],
)
def test_looking_for_depth_takes_no_longer_than_the_body_is_long(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(MalformedBody):
        parse_json(body)
    assert time.process_time() - started < 2


def test_brackets_in_texts_are_no_depth() -> None:
    many = {"a": "[" * 100 + '\\"{' * 100, "b": [[]] * 100}
    assert parse_json(json.dumps(many).encode()) == many


def test_usual_json_is_read() -> None:
    body = '\ufeff{"name": "Zo\\u00eb \\ud83d\\ude00", "list": [1, null, true]}'.encode()
    assert parse_json(body) == {"name": "Zoë 😀", "list": [1, None, True]}
    depth = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_json(depth)


def test_f100_a_duplicate_key_among_very_many_is_found_in_one_pass() -> None:
    keys = b",".join(b'"k%d":0' % number for number in range(100_000))
    began = time.perf_counter()
    with pytest.raises(MalformedBody, match="'k5' is there twice"):
        parse_json(b"{" + keys + b',"k5":1}')
    assert time.perf_counter() - began < 5, "comparing each key with each takes an hour"


def test_f100_an_object_with_very_many_keys_is_refused_before_each_is_answered() -> None:
    keys = [f'"k{number}":0' for number in range(MAX_KEYS + 1)]
    assert len(parse_json(("{" + ",".join(keys[:-1]) + "}").encode())) == MAX_KEYS
    with pytest.raises(MalformedBody, match="more than 100 keys"):
        parse_json(("{" + ",".join(keys) + "}").encode())
