from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpay.chains.network import Asset
from cloudpay.kernel.money import from_base_units
from cloudpay.kernel.sections import Rates
from cloudpay.rates.service import RateUnavailable, quote

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def asset(symbol: str = "ETH", decimals: int = 18, display_decimals: int = 6) -> Asset:
    return Asset(
        network="evm",
        contract=None,
        symbol=symbol,
        decimals=decimals,
        display_decimals=display_decimals,
        wraps=None,
        large_amount=None,
    )


def test_a_quote_is_rounded_up_at_the_display_precision() -> None:
    rates = Rates(fixed={"ETH": "3000.00"})
    assert quote(rates, asset(), Decimal("10.00"), NOW).amount == 3334 * 10**12  # 0.003333… → 0.003334


def test_a_quote_that_is_exact_is_not_raised() -> None:
    rates = Rates(fixed={"ETH": "2500"})
    assert quote(rates, asset(), Decimal(10), NOW).amount == 4 * 10**15


def test_a_quote_keeps_its_rate_its_source_and_its_time() -> None:
    found = quote(Rates(fixed={"eth": "2500.50"}), asset(), Decimal(1), NOW)
    assert (found.rate, found.source, found.at) == (Decimal("2500.50"), "fixed", NOW)


def test_a_stablecoin_is_never_assumed_to_be_a_dollar() -> None:
    rates = Rates(fixed={"ETH": "2500"})
    with pytest.raises(RateUnavailable, match=r"\[rates.fixed\]") as refused:
        quote(rates, asset("USDT", 6), Decimal(1), NOW)
    assert (refused.value.code, refused.value.http_status) == ("rate_unavailable", 422)
    assert "totalusd" in refused.value.errors


def test_a_wrapped_token_needs_a_price_of_its_own() -> None:
    with pytest.raises(RateUnavailable, match="WBTC"):
        quote(Rates(fixed={"BTC": "65000"}), asset("WBTC", 8), Decimal(1), NOW)


PRICES = st.decimals("0.000000000000000001", "99999999999999999999", places=18).map(
    lambda price: f"{price:f}"
)


@given(
    usd=st.decimals("0.01", "99999999999999999999", places=2),
    price=PRICES,
    decimals=st.integers(0, 24),
    display=st.integers(0, 18),
)
def test_a_quote_never_falls_short_and_never_exceeds_by_a_display_unit(
    usd: Decimal, price: str, decimals: int, display: int
) -> None:
    display = min(display, decimals)
    found = quote(Rates(fixed={"ETH": price}), asset(decimals=decimals, display_decimals=display), usd, NOW)
    exact = Fraction(usd) / Fraction(price)
    amount = Fraction(from_base_units(found.amount, decimals))
    assert exact <= amount < exact + Fraction(1, 10**display)
