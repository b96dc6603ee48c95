from decimal import Decimal
from typing import Any

import pytest
from marshmallow import Schema, ValidationError

from cloudpay.kernel.fields import Amount, Line, Money, PageQuery, StrictInteger
from cloudpay.kernel.json_body import parse_json
from cloudpay.kernel.paging import Paging


class Body(Schema):
    amount = Money(required=True)


def _load(json: str) -> Decimal:
    loaded: dict[str, Decimal] = Body().load(parse_json(f'{{"amount": {json}}}'.encode()))
    return loaded["amount"]


@pytest.mark.parametrize(
    ("json", "amount"),
    [
        ('"50.00"', "50.00"),
        ("50.00", "50.00"),
        ("50", "50"),
        ("0.1", "0.1"),
        ("0.1000000000000000055", None),
        ("123456789.123456789123456789", "123456789.123456789123456789"),
        ("1e-7", "0.0000001"),
        ("5e1", "50"),
        ('"99999999999999999999.999999999999999999"', "99999999999999999999.999999999999999999"),
    ],
)
def test_money_is_read_exactly_from_text_and_from_numbers(json: str, amount: str | None) -> None:
    if amount is None:
        with pytest.raises(ValidationError):
            _load(json)
    else:
        assert _load(json) == Decimal(amount)
        assert f"{_load(json):f}" == amount


@pytest.mark.parametrize(
    "json",
    [
        "-1",
        '"-1"',
        "0",
        '"0"',
        '"0.00"',
        "-0",
        '"-0"',
        "-0.0",
        '"NaN"',
        '"Infinity"',
        "1e-30",
        '"1e-30"',
        "1e400",
        '"1e400"',
        "1E+50000000",
        '"1E+50000000"',
        '"١٢"',
        '"１２"',
        '"1_000"',
        '" 1 "',
        '"1\\n"',
        '""',
        '"+1"',
        '".5"',
        '"5."',
        '"0x10"',
        '"1,5"',
        "true",
        "null",
        "[]",
        "{}",
        "123456789012345678901",
        '"123456789012345678901"',
        '"0.1234567890123456789"',
    ],
)
def test_what_is_no_amount_is_refused_by_its_field_with_what_to_write(json: str) -> None:
    """F67."""
    with pytest.raises(ValidationError) as refused:
        _load(json)
    (sentence,) = refused.value.messages_dict["amount"]
    assert len(sentence.split()) > 3


def test_an_amount_is_answered_as_plain_decimal_text() -> None:
    class Answered(Schema):
        amount = Amount()

    for value, text in ((Decimal("1E-18"), "0.000000000000000001"), ("10.00", "10.00"), (None, None)):
        assert Answered().dump({"amount": value}) == {"amount": text}


@pytest.mark.parametrize("value", ["a\r\nb", "a\x00", "a\x1b[31m", "a\u2028b", "", "   ", "x" * 11, 5, None])
def test_a_line_is_bounded_text_without_control_characters(value: Any) -> None:
    """F89."""
    with pytest.raises(ValidationError):
        Line(10).deserialize(value)


def test_a_line_is_kept_as_it_was_sent() -> None:
    assert Line(10).deserialize(" Zoë 😀 ") == " Zoë 😀 "


@pytest.mark.parametrize(
    "query",
    [
        {"page": "1000000000"},
        {"page": "0"},
        {"page": "-1"},
        {"page": "1" * 5000},
        {"page": "１"},
        {"page": " 1"},
        {"page": "1_0"},
        {"page": "x"},
        {"limit": "101"},
        {"limit": "0"},
        {"anchor": ""},
    ],
)
def test_pages_are_bounded(query: dict[str, str]) -> None:
    """F101."""
    with pytest.raises(ValidationError) as refused:
        PageQuery().load(query)
    assert set(refused.value.messages_dict) == set(query)


def test_a_page_query_loads_as_paging() -> None:
    assert PageQuery().load({"page": "3", "limit": "7", "anchor": "x"}) == {"paging": Paging(3, 7, "x")}
    assert PageQuery().load({}) == {"paging": Paging(1, 20, None)}


@pytest.mark.parametrize(("json", "number"), [("60", 60), ("60.0", 60), ("6e1", 60), ("1E+2", 100)])
def test_a_whole_json_number_is_whole_however_it_is_written(json: str, number: int) -> None:
    assert StrictInteger().deserialize(parse_json(json.encode())) == number


@pytest.mark.parametrize(
    "json", ["60.5", "1e18", "1e400", "1e-400", "-60.0", "true", '"60.0"', "[60]", '"٦٠"']
)
def test_what_is_no_whole_number_is_refused(json: str) -> None:
    with pytest.raises(ValidationError):
        StrictInteger().deserialize(parse_json(json.encode()))
