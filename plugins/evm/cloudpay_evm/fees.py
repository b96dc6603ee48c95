"""What is offered for each gas: by tier from the last blocks (EIP-1559), or from the node's own price (legacy)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median_low

from cloudpay.chains.spending import FeeTier
from cloudpay_evm.calls import Call
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.node import Node
from cloudpay_evm.settings import EvmSettings
from cloudpay_evm.transactions import Transaction
from cloudpay_evm.wire import AMOUNT, FEE_HISTORY, FeeHistory, number

_BLOCKS = 20
_PERCENTILES = {FeeTier.LOW: 10, FeeTier.MEDIUM: 50, FeeTier.HIGH: 90}
_HISTORY: Call[FeeHistory] = Call(
    "eth_feeHistory", (hex(_BLOCKS), "latest", list(_PERCENTILES.values())), FEE_HISTORY
)
_GAS_PRICE: Call[str] = Call("eth_gasPrice", (), AMOUNT)
_LEGACY_PERCENT = {FeeTier.LOW: 100, FeeTier.MEDIUM: 110, FeeTier.HIGH: 130}
_BUMP_PERCENT = 10
"""What a replacement must offer more, in both prices: geth's txpool.pricebump, and all other nodes' default."""
_GWEI_PLACES = 9


@dataclass(frozen=True)
class Offer:
    """Prices for each gas; with a `max_fee` below `least` a transaction might wait for blocks to become cheaper."""

    max_fee: int
    tip: int
    least: int

    def within(self, most: int) -> "Offer | None":
        """Bring it down to a bound; None where that is too little to be included now."""
        if most < self.least:
            return None
        max_fee = min(self.max_fee, most)
        return replace(self, max_fee=max_fee, tip=min(self.tip, max_fee))

    def outbidding(self, replaced: Transaction) -> "Offer":
        """Raise it so that nodes take it in place of another transaction."""
        least = max(self.least, _bumped(replaced.max_fee))
        return Offer(max(self.max_fee, least), max(self.tip, _bumped(replaced.tip)), least)


def offers(node: Node, settings: EvmSettings) -> Mapping[FeeTier, Offer]:
    """Ask for prices, in one call; raises `NodeFault`, `Refused`."""
    floor = gwei(settings.min_tip_gwei)
    if settings.transactions == "legacy":
        price = max(number(node.ask(_GAS_PRICE)), floor, 1)
        raised = {tier: -(-price * percent // 100) for tier, percent in _LEGACY_PERCENT.items()}
        return {tier: Offer(each, each, price) for tier, each in raised.items()}
    history = node.ask(_HISTORY)
    if not history.base_fee_per_gas:
        raise NodeFault("it told no base fee")
    base = number(history.base_fee_per_gas[-1])  # the next block's
    # Twice the base fee holds for five full blocks in a row, a quarter more for one.
    return {
        tier: Offer(2 * base + tip, tip, base + base // 4 + tip)
        for tier, tip in _tips(history, max(floor, 1)).items()
    }


def most_for_gas(settings: EvmSettings) -> int | None:
    """The bound of the settings, in base units for each gas."""
    return gwei(settings.max_fee_gwei) if settings.max_fee_gwei else None


def gwei(text: str) -> int:
    """Read a decimal string of gwei as base units; empty is nothing."""
    whole, _, part = text.partition(".")
    return int((whole or "0") + part.ljust(_GWEI_PLACES, "0"))


def _tips(history: FeeHistory, floor: int) -> dict[FeeTier, int]:
    """The middle of what the blocks' cheapest, usual and dearest transactions gave; empty blocks say nothing."""
    rows = [[number(each) for each in row] for row in history.reward or ()]
    rows = [row for row in rows if len(row) == len(_PERCENTILES) and any(row)]
    if not rows:
        return dict.fromkeys(_PERCENTILES, floor)
    columns = zip(*rows, strict=True)
    return {tier: max(median_low(column), floor) for tier, column in zip(_PERCENTILES, columns, strict=True)}


def _bumped(price: int) -> int:
    return max(price + 1, -(-price * (100 + _BUMP_PERCENT) // 100))
