"""What holds on a network now: fees, rates and settings, as the planner wants them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.money import parse_amount
from cloudpay.ledger.sweeps import at_deposits
from cloudpay.sweeps.planner import full
from cloudpay.sweeps.types import NATIVE, Terms
from cloudpay.transactions.service import fee_quotes

_TOP_UPS = 20


def terms_now(session: Session, gateway: Gateway, network: Network, *, at_once: bool = False) -> Terms:
    """Answer the terms of a network; raises `QuotesMissing`."""
    settings = gateway.settings.sweeps
    prices = gateway.settings.rates.prices
    terms = Terms(
        now=gateway.clock.now(session),
        listed=frozenset(asset.key for asset in network.assets),
        fees=fee_quotes(session, network.code),
        fee_cap=parse_amount(network.settings.fee_cap, network.native.decimals),
        share=Fraction(Decimal(settings.fee_share_percent)) / 100,
        prices={
            asset.key: Fraction(prices[asset.symbol.upper()]) / 10**asset.decimals
            for asset in network.assets
            if asset.symbol.upper() in prices
        },
        minima={
            asset.key: asset.sweep_minimum for asset in network.assets if asset.sweep_minimum is not None
        },
        every=timedelta(seconds=settings.every_seconds),
        address_above=_usd(settings.address_above_usd),
        at_once=at_once,
    )
    above = _usd(settings.merchant_above_usd)
    return (
        terms
        if above is None
        else replace(terms, full=full(at_deposits(session, network.code), terms, above))
    )


def low_water(network: Network, fees: Mapping[tuple[FeeTier, str], int]) -> int:
    """Answer below how many native base units a gas station is low."""
    if network.settings.gas_low_water:
        return parse_amount(network.settings.gas_low_water, network.native.decimals)
    dearest = max((fee for (tier, _asset), fee in fees.items() if tier is FeeTier.MEDIUM), default=0)
    return _TOP_UPS * (dearest + fees.get((FeeTier.MEDIUM, NATIVE), 0))


def _usd(text: str) -> Fraction | None:
    return Fraction(Decimal(text)) if text else None
