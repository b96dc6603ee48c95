"""Quote: how many base units of an asset an amount of US dollars is, at a configured price."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from cloudpay.chains.network import Asset
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.kernel.money import divide_up, to_base_units
from cloudpay.kernel.sections import Rates

FIXED = "fixed"


class RateUnavailable(InvalidRequest):
    """No price of this asset is configured; also a stablecoin's is never assumed to be one dollar."""

    code: ClassVar[str] = "rate_unavailable"

    def __init__(self, symbol: str) -> None:
        sentence = (
            f"There is no price for {symbol}, so that `totalusd` cannot be converted. Send `amount`, "
            f'or have {symbol} = "…" set in [rates.fixed] of the configuration.'
        )
        super().__init__(sentence, errors={"totalusd": [sentence]})
        self.symbol = symbol


@dataclass(frozen=True)
class Quote:
    """An amount in base units, and why: US dollars for one unit of the asset, where that is from, and when."""

    amount: int
    rate: Decimal
    source: str
    at: datetime


def quote(rates: Rates, asset: Asset, usd: Decimal, now: datetime) -> Quote:
    """Convert US dollars, rounded up at the asset's display precision; raises `RateUnavailable`."""
    rate = rates.prices.get(asset.symbol.upper())
    if rate is None:
        raise RateUnavailable(asset.symbol)
    amount = divide_up(usd, rate, asset.display_decimals)
    return Quote(to_base_units(amount, asset.decimals), rate, FIXED, now)
