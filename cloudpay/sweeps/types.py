"""What the planner is told, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from cloudpay.chains.spending import FeeTier, KeyPath
from cloudpay.sweeps.states import Standing

NATIVE = ""


@dataclass(frozen=True)
class Held:
    """One asset at one deposit address: `amount` base units by the books, `found` by the chain where that was less.

    `since` is when it began to wait; `busy` says that a spend of this address is not done yet, `resting` why it is not
    to be tried before some time has passed.
    """

    merchant_id: str
    livemode: bool
    address: str
    path: KeyPath
    asset: str
    amount: int
    tier: FeeTier
    since: datetime
    found: int | None = None
    busy: bool = False
    resting: Standing | None = None

    @property
    def lying(self) -> int:
        """What may be counted on: the lesser of both."""
        return self.amount if self.found is None else min(self.amount, self.found)


@dataclass(frozen=True)
class Terms:
    """What holds on one network now; `fees` and `fee_cap` in native base units.

    `fees` is what one transfer costs at most, by tier and asset; `prices` US dollars for one base unit, by asset, of
    those that have a rate; `minima` base units by asset; `listed` the assets of the network. A merchant in `full` holds
    more than `merchant_above_usd` at its deposit addresses.
    """

    now: datetime
    listed: frozenset[str]
    fees: Mapping[tuple[FeeTier, str], int]
    fee_cap: int
    share: Fraction
    prices: Mapping[str, Fraction]
    minima: Mapping[str, int]
    every: timedelta
    address_above: Fraction | None = None
    full: frozenset[str] = frozenset()
    at_once: bool = False


@dataclass(frozen=True)
class Sweep:
    """Send `amount` from its address to the master wallet.

    `fee` is what that costs at most, `top_up` what the gas station sends ahead, `top_up_fee` what that costs;
    `fee_limit` is the most that the sweep's own fee may come to before it is not worth it any more.
    """

    held: Held
    amount: int
    fee: int
    top_up: int
    top_up_fee: int
    fee_limit: int


@dataclass(frozen=True)
class Left:
    """Leave it alone, and why; `cost` is what collecting it would cost, where that is known."""

    held: Held
    standing: Standing
    cost: int = 0


@dataclass(frozen=True)
class Plan:
    """Each asset at each address is in exactly one of both."""

    sweeps: tuple[Sweep, ...]
    left: tuple[Left, ...]


@dataclass(frozen=True)
class Surplus:
    """What is free in a master wallet of one asset, and the ceiling above which it goes to the cold wallet."""

    asset: str
    free: int
    ceiling: int


@dataclass(frozen=True)
class ColdSpend:
    """Send `amount` on to the cold wallet, for `fee` by what is known now, and for `fee_limit` at most."""

    asset: str
    amount: int
    fee: int
    fee_limit: int
