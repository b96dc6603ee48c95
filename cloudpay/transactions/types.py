"""What the engine is asked for, and what it answers."""

from dataclasses import dataclass
from enum import StrEnum

from cloudpay.chains.spending import FeeTier, KeyPath
from cloudpay.transactions.states import SpendStatus


class SpendKind(StrEnum):
    """What a spend is for."""

    PAYOUT = "payout"
    SWEEP = "sweep"
    TOP_UP = "top_up"  # native coins for the fee of another spend, from its gas station
    HOME = "home"  # what a gas station does not need any more, to the master wallet
    COLD = "cold"  # surplus of a master wallet, to the merchant's cold wallet
    GAP = "gap"  # to ourselves, so that what was signed after it can be included


@dataclass(frozen=True)
class SpendRequest:
    """The intent to move an asset, as whoever wants it moved tells it.

    `asset` is the contract, or empty text for the native coin; `fee_reserved` is what the ledger holds for the fee, in
    native base units; `path` is that of the key of `source`. `fee_limit` bounds its fee below the network's `fee_cap`.
    """

    id: str
    kind: SpendKind
    merchant_id: str
    livemode: bool
    network: str
    source: str
    path: KeyPath
    recipient: str
    asset: str
    amount: int
    tier: FeeTier
    fee_reserved: int
    fee_limit: int | None = None


@dataclass(frozen=True)
class SpendView:
    """One spend as others see it: `fee` once it is final, `reason` why it waits or has failed."""

    id: str
    status: SpendStatus
    tx_id: str | None
    fee: int | None
    reason: str
    block_height: int | None
