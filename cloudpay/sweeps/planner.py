"""What to collect, and what to leave where it is: a pure function of what lies where, fees, rates and settings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cloudpay.sweeps.states import Standing
from cloudpay.sweeps.types import NATIVE, ColdSpend, Held, Left, Plan, Surplus, Sweep, Terms

_STAYS = frozenset({Standing.LATER, Standing.NO_GAS, Standing.BEHIND})
"""A token that is left for one of these reasons is collected soon: its address' native coins then pay for it."""


def plan(holdings: Iterable[Held], terms: Terms, gas: Mapping[str, int]) -> Plan:
    """Answer for all that lies at these addresses whether it is collected now, or why not.

    `holdings` has all assets of each of its addresses. `gas` is what each merchant's gas station may spend. From one
    address goes one asset at a time, its tokens before its native coins, which pay for them; the most valuable first.
    """
    addresses: dict[str, list[Held]] = defaultdict(list)
    for each in holdings:
        addresses[each.address].append(each)
    weighed = [_weigh_address(held, terms) for held in addresses.values()]
    first = sorted(weighed, key=lambda each: (-each.worth, each.address))
    reserves, sweeps, left = dict(gas), list[Sweep](), list[Left]()
    for place in first:
        chosen = place.chosen
        left += place.left
        if chosen is None:
            continue
        merchant, needed = chosen.held.merchant_id, chosen.top_up + chosen.top_up_fee
        if needed > reserves.get(merchant, 0):
            left.append(Left(chosen.held, Standing.NO_GAS, chosen.fee + chosen.top_up_fee))
            continue
        if needed:
            reserves[merchant] -= needed
        sweeps.append(chosen)
    return Plan(tuple(sweeps), tuple(left))


def plan_cold(surpluses: Iterable[Surplus], native_free: int, terms: Terms) -> list[ColdSpend]:
    """Answer what goes from one master wallet to the cold one; what is not worth its fee stays.

    `native_free` pays the fees; `terms.fees` are those of the tier that is used for it, the lowest.
    """
    spends, purse = list[ColdSpend](), native_free
    for each in sorted(surpluses, key=lambda surplus: surplus.asset == NATIVE):
        fee = _lowest(terms, each.asset)
        if fee is None or fee > terms.fee_cap or fee > purse:
            continue
        above = (
            min(each.free, purse) - each.ceiling - fee if each.asset == NATIVE else each.free - each.ceiling
        )
        if above <= 0 or not _worth(terms, each.asset, above, fee):
            continue
        spends.append(ColdSpend(each.asset, above, fee, _cold_limit(terms, each.asset, above)))
        purse -= fee
    return spends


def full(merchants: Mapping[str, Mapping[str, int]], terms: Terms, above: Fraction | None) -> frozenset[str]:
    """Answer who holds more than `above` US dollars at deposit addresses; what has no rate counts for nothing."""
    if above is None:
        return frozenset()
    return frozenset(
        merchant
        for merchant, amounts in merchants.items()
        if sum(terms.prices.get(asset, 0) * max(0, amount) for asset, amount in amounts.items()) > above
    )


@dataclass(frozen=True)
class _Address:
    """One address: the one asset that may go now, and the others."""

    address: str
    chosen: Sweep | None
    left: Sequence[Left]
    worth: Fraction


def _weigh_address(held: Sequence[Held], terms: Terms) -> _Address:
    native = next((each.lying for each in held if each.asset == NATIVE), 0)
    found = [_weigh(each, max(0, native), terms) for each in held]
    tokens = [each for each in found if each.held.asset != NATIVE]
    going = [each for each in found if isinstance(each, Sweep)]
    going.sort(key=lambda each: (each.held.asset == NATIVE, -_value(each, terms), each.held.asset))
    soon = any(isinstance(each, Left) and each.standing in _STAYS for each in tokens)
    if going and going[0].held.asset == NATIVE and soon:
        going = []
    chosen = going[0] if going else None
    left = [
        each if isinstance(each, Left) else Left(each.held, Standing.BEHIND, each.fee + each.top_up_fee)
        for each in found
        if each is not chosen
    ]
    return _Address(held[0].address, chosen, left, _value(chosen, terms) if chosen else Fraction(0))


def _weigh(held: Held, native: int, terms: Terms) -> Sweep | Left:
    """Answer what would be sent by itself, whatever else lies at the address."""
    fee = terms.fees.get((held.tier, held.asset))
    plain = terms.fees.get((held.tier, NATIVE))
    kept = _kept(held, terms)
    if kept is not None:
        return Left(held, kept)
    if fee is None or plain is None:
        return Left(held, Standing.UNQUOTED)
    if held.asset == NATIVE:
        sweep = Sweep(held, held.lying - fee, fee, 0, 0, int(terms.share * held.lying))
    else:
        top_up = max(0, fee - native)
        top_up_fee = plain if top_up else 0
        limit = _limit(terms, held, top_up_fee)
        sweep = Sweep(held, held.lying, fee, top_up, top_up_fee, limit)
    cost = fee + sweep.top_up_fee
    standing = _why_not(held, sweep, cost, terms)
    return sweep if standing is None else Left(held, standing, cost)


def _kept(held: Held, terms: Terms) -> Standing | None:
    """Answer why it is left there whatever it would cost, or None."""
    if held.busy:
        return Standing.COLLECTED
    if held.amount < 0:
        return Standing.OVERDRAWN
    if held.lying <= 0:
        return Standing.MISSING
    if held.resting is not None and not terms.at_once:
        return held.resting
    return None if held.asset in terms.listed else Standing.UNLISTED


def _why_not(held: Held, sweep: Sweep, cost: int, terms: Terms) -> Standing | None:
    minimum = terms.minima.get(held.asset)
    priced = held.asset == NATIVE or {held.asset, NATIVE} <= terms.prices.keys()
    if sweep.amount <= 0:
        return Standing.DUST
    if minimum is not None and held.lying < minimum:
        return Standing.TOO_LITTLE
    if not priced and minimum is None:
        return Standing.UNPRICED
    if max(sweep.fee, sweep.top_up_fee) > terms.fee_cap:
        return Standing.ABOVE_CAP
    if priced and not _worth(terms, held.asset, held.lying, cost):
        return Standing.TOO_DEAR
    return None if _is_time(held, terms) else Standing.LATER


def _is_time(held: Held, terms: Terms) -> bool:
    if terms.at_once or held.merchant_id in terms.full or terms.now >= held.since + terms.every:
        return True
    value = terms.prices.get(held.asset, Fraction(0)) * held.lying
    return terms.address_above is not None and value > terms.address_above


def _worth(terms: Terms, asset: str, amount: int, cost: int) -> bool:
    """Say whether a cost in native coins is no more than the set share; the native coin needs no rate for that."""
    if asset == NATIVE:
        return cost <= terms.share * amount
    if not {asset, NATIVE} <= terms.prices.keys():
        return True  # a set minimum, or a set ceiling, stands for a rate
    return cost * terms.prices[NATIVE] <= terms.share * amount * terms.prices[asset]


def _limit(terms: Terms, held: Held, top_up_fee: int) -> int:
    if not {held.asset, NATIVE} <= terms.prices.keys():
        return terms.fee_cap
    return max(0, min(terms.fee_cap, _share_of(terms, held.asset, held.lying) - top_up_fee))


def _cold_limit(terms: Terms, asset: str, amount: int) -> int:
    if asset != NATIVE and not {asset, NATIVE} <= terms.prices.keys():
        return terms.fee_cap
    return min(terms.fee_cap, _share_of(terms, asset, amount))


def _share_of(terms: Terms, asset: str, amount: int) -> int:
    """Answer the set share of an amount, in native coins; the native coin needs no rate for that."""
    if asset == NATIVE:
        return int(terms.share * amount)
    return int(terms.share * amount * terms.prices[asset] / terms.prices[NATIVE])


def _value(sweep: Sweep, terms: Terms) -> Fraction:
    return terms.prices.get(sweep.held.asset, Fraction(0)) * sweep.amount


def _lowest(terms: Terms, asset: str) -> int | None:
    fees = [fee for (_tier, key), fee in terms.fees.items() if key == asset]
    return min(fees, default=None)
