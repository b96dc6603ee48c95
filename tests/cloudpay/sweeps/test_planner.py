"""The planner against chance: it takes nothing that is not there, and nothing that is not worth its fee."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudpay.chains.spending import FeeTier, KeyPath
from cloudpay.sweeps.planner import full, plan, plan_cold
from cloudpay.sweeps.states import Standing
from cloudpay.sweeps.types import NATIVE, Held, Plan, Surplus, Terms

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ASSETS = [NATIVE, "usd", "btc", "gone"]
AMOUNTS = st.one_of(st.just(0), st.integers(-100, 400), st.integers(0, 10**24))
FEES = st.one_of(st.integers(0, 300), st.integers(0, 10**16))


@st.composite
def holdings(draw: st.DrawFn) -> list[Held]:
    """Some assets at some addresses of two merchants."""
    found = []
    for number in range(draw(st.integers(0, 6))):
        merchant = draw(st.sampled_from(["one", "two"]))
        found += [
            Held(
                merchant,
                False,
                f"address-{number}",
                KeyPath(0, 0, number),
                asset,
                draw(AMOUNTS),
                draw(st.sampled_from(FeeTier)),
                NOW - timedelta(minutes=draw(st.integers(0, 120))),
                draw(st.one_of(st.none(), st.integers(0, 400))),
                draw(st.booleans()) and draw(st.booleans()),
                draw(st.sampled_from([None, None, None, Standing.FAILED])),
            )
            for asset in draw(st.lists(st.sampled_from(ASSETS), unique=True, min_size=1))
        ]
    return found


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """Fees, rates and settings of any kind."""
    quoted = draw(st.sampled_from([ASSETS, ASSETS, ASSETS[1:], []]))
    priced = draw(st.sets(st.sampled_from(ASSETS)))
    prices = {each: Fraction(draw(st.integers(1, 1000)), 10 ** draw(st.integers(0, 18))) for each in priced}
    return Terms(
        NOW,
        frozenset(ASSETS) - {"gone"},
        {(tier, each): draw(FEES) for each in quoted for tier in FeeTier},
        draw(FEES),
        Fraction(draw(st.integers(0, 100)), 100),
        prices,
        {each: draw(st.integers(1, 300)) for each in draw(st.sets(st.sampled_from(ASSETS)))},
        timedelta(minutes=60),
        draw(st.one_of(st.none(), st.integers(0, 10**6).map(Fraction))),
        frozenset(draw(st.sets(st.sampled_from(["one", "two"])))),
        draw(st.booleans()),
    )


GAS = st.dictionaries(st.sampled_from(["one", "two"]), FEES)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(holdings(), terms(), GAS)
def test_whatever_lies_there_is_in_the_plan_exactly_once(
    held: list[Held], now: Terms, gas: dict[str, int]
) -> None:
    made = plan(held, now, gas)
    planned = Counter([each.held for each in made.sweeps] + [each.held for each in made.left])
    assert planned == Counter(held)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(holdings(), terms(), GAS)
def test_nothing_is_taken_that_is_not_there(held: list[Held], now: Terms, gas: dict[str, int]) -> None:
    for each in plan(held, now, gas).sweeps:
        fee = each.fee if each.held.asset == NATIVE else 0
        assert each.amount > 0
        assert each.amount + fee <= min(each.held.amount, each.held.lying)
        assert not each.held.busy


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(holdings(), terms(), GAS)
def test_no_fee_is_above_its_share_or_the_cap(held: list[Held], now: Terms, gas: dict[str, int]) -> None:
    for each in plan(held, now, gas).sweeps:
        cost, asset = each.fee + each.top_up_fee, each.held.asset
        assert max(each.fee, each.top_up_fee) <= now.fee_cap
        if asset == NATIVE:
            assert cost <= now.share * each.held.lying
        elif {asset, NATIVE} <= now.prices.keys():
            assert cost * now.prices[NATIVE] <= now.share * each.held.lying * now.prices[asset]
            assert each.fee <= each.fee_limit
        else:
            assert each.held.lying >= now.minima[asset]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(holdings(), terms(), GAS)
def test_a_gas_station_spends_what_transfers_lack_and_no_more_than_it_has(
    held: list[Held], now: Terms, gas: dict[str, int]
) -> None:
    native = {each.address: max(0, each.lying) for each in held if each.asset == NATIVE}
    spent: defaultdict[str, int] = defaultdict(int)
    for each in plan(held, now, gas).sweeps:
        spent[each.held.merchant_id] += each.top_up + each.top_up_fee
        if each.held.asset == NATIVE:
            assert each.top_up == 0
        else:
            assert each.top_up == max(0, each.fee - native.get(each.held.address, 0))
    assert all(amount <= gas.get(merchant, 0) for merchant, amount in spent.items() if amount)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(holdings(), terms(), GAS)
def test_of_an_address_goes_one_asset_at_a_time(held: list[Held], now: Terms, gas: dict[str, int]) -> None:
    made = plan(held, now, gas)
    assert all(count == 1 for count in Counter(each.held.address for each in made.sweeps).values())
    for each in made.sweeps:
        if each.held.asset == NATIVE:
            beside = {left.standing for left in made.left if left.held.address == each.held.address}
            assert not beside & {Standing.LATER, Standing.NO_GAS, Standing.BEHIND}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(holdings(), terms(), GAS, st.randoms())
def test_the_order_in_which_addresses_are_told_changes_nothing(
    held: list[Held], now: Terms, gas: dict[str, int], random: object
) -> None:
    def as_sets(made: Plan) -> tuple[set[object], set[object]]:
        return set(made.sweeps), set(made.left)

    shuffled = list(held)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own
    assert as_sets(plan(held, now, gas)) == as_sets(plan(shuffled, now, gas))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(holdings(), terms(), GAS)
def test_what_is_collected_without_haste_is_due(held: list[Held], now: Terms, gas: dict[str, int]) -> None:
    patient = replace(now, at_once=False, full=frozenset())
    for each in plan(held, patient, gas).sweeps:
        value = now.prices.get(each.held.asset, Fraction(0)) * each.held.lying
        long_enough = each.held.since + now.every <= now.now
        assert long_enough or (now.address_above is not None and value > now.address_above)
        assert each.held.resting is None


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(ASSETS[:3]), st.tuples(AMOUNTS, st.integers(0, 400))), FEES, terms())
def test_surplus_leaves_the_ceiling_in_the_wallet_and_pays_its_fees_from_what_is_free(
    wallet: dict[str, tuple[int, int]], native_free: int, now: Terms
) -> None:
    if NATIVE in wallet:
        native_free = wallet[NATIVE][0]
    surpluses = [Surplus(asset, free, ceiling) for asset, (free, ceiling) in wallet.items()]
    spends = plan_cold(surpluses, native_free, now)
    fees = sum(each.fee for each in spends)
    assert fees <= max(0, native_free)
    for each in spends:
        free, ceiling = wallet[each.asset]
        assert 0 < each.amount <= free - ceiling
        if each.asset == NATIVE:
            assert each.amount + fees <= free - ceiling + (fees - each.fee)


def test_unpriced_assets_do_not_make_a_merchant_full() -> None:
    now = Terms(NOW, frozenset(), {}, 0, Fraction(0), {"usd": Fraction(1)}, {}, timedelta())
    amounts = {"one": {"usd": 10, "btc": 10**9}, "two": {"usd": 11, "btc": -5}}
    assert full(amounts, now, Fraction(10)) == {"two"}
    assert full(amounts, now, None) == frozenset()
