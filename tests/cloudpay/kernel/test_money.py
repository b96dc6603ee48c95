from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpay.kernel.money import (
    MAX_BASE_UNITS,
    InvalidAmount,
    divide_up,
    format_amount,
    from_base_units,
    parse_amount,
    parse_decimal,
    to_base_units,
)

UNITS = st.integers(0, MAX_BASE_UNITS)
DECIMALS = st.integers(0, 36)


@given(UNITS, DECIMALS)
def test_base_units_survive_the_way_to_a_decimal_and_back(units: int, decimals: int) -> None:
    assert to_base_units(from_base_units(units, decimals), decimals) == units


@given(UNITS, DECIMALS)
def test_what_is_written_reads_as_the_same_amount(units: int, decimals: int) -> None:
    assert to_base_units(Decimal(format_amount(units, decimals)), decimals) == units


@given(st.integers(1, 10**38 - 1), st.integers(0, 18))
def test_an_amount_that_a_merchant_may_send_comes_back_as_it_was(units: int, decimals: int) -> None:
    units = min(units, 10 ** (20 + decimals) - 1)
    assert parse_amount(format_amount(units, decimals).rstrip("0").rstrip("."), decimals) == units


@given(UNITS, DECIMALS)
def test_an_amount_is_written_with_two_decimals_or_with_all_that_count(units: int, decimals: int) -> None:
    whole, fraction = format_amount(units, decimals).split(".")
    assert whole == str(int(whole))
    assert len(fraction) == 2 or (len(fraction) > 2 and not fraction.endswith("0"))


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [
        (0, 18, "0.00"),
        (10_000_000, 6, "10.00"),
        (10_500_000, 6, "10.50"),
        (1, 18, "0.000000000000000001"),
        (5, 0, "5.00"),
        (2**256 - 1, 0, f"{2**256 - 1}.00"),
    ],
)
def test_amounts_are_written_as_the_published_api_writes_them(units: int, decimals: int, text: str) -> None:
    assert format_amount(units, decimals) == text


NOT_PLAIN = (
    ["", ".", "1.", ".5", "1.5.1", "1,5", "0x1", "½", "1_000", "1" * 21, "1.0000000000000000001"],
    ["-1", "+1", "-0", "NaN", "Infinity", "1e-30", "1e400", "1E5"],
    ["١٢", "１２", " 1 ", "1 ", "\t1", "1\n", "1\u200b"],
)


@pytest.mark.parametrize("text", [text for group in NOT_PLAIN for text in group])
def test_f67_what_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(InvalidAmount, match="is not a plain decimal number"):
        parse_decimal(text)


@pytest.mark.parametrize("text", ["0", "0.0", "00.000"])
def test_f67_zero_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidAmount, match="more than zero"):
        parse_amount(text, 6)


def test_f67_more_decimals_than_the_asset_has_are_refused_not_cut() -> None:
    assert parse_amount("0.000001", 6) == 1
    assert parse_amount("0.1000000", 6) == 100_000
    with pytest.raises(InvalidAmount, match="more than the 6 decimals"):
        parse_amount("0.0000001", 6)


def test_a_refusal_does_not_repeat_a_text_without_end() -> None:
    with pytest.raises(InvalidAmount) as refused:
        parse_decimal("9" * 10_000)
    assert len(str(refused.value)) < 250


def test_a_number_that_is_too_long_to_be_exact_is_refused_not_rounded() -> None:
    with pytest.raises(Inexact):
        to_base_units(Decimal("1" * 130), 0)


POSITIVE = st.decimals("0.000000000000000001", "99999999999999999999", places=18)


@given(POSITIVE, POSITIVE, st.integers(0, 18))
def test_a_quotient_is_rounded_up_and_by_less_than_one_place(
    amount: Decimal, rate: Decimal, places: int
) -> None:
    exact, found = Fraction(amount) / Fraction(rate), Fraction(divide_up(amount, rate, places))
    assert exact <= found < exact + Fraction(1, 10**places)
