"""Sweeps that a gas station of its own fuels: it pays for their top-ups, and the master wallet for none of them."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.cli import session
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.ledger.types import AccountKind
from cloudpay.sweeps.manual import SweepLine, sweep_now
from cloudpay.sweeps.reserves import look_at_reserves
from cloudpay.transactions.service import want_quotes
from tests.cloudpay.cli.conftest import Run, run
from tests.cloudpay.sweeps.collector import Collector
from tests.cloudpay.sweeps.steps import drifts, step
from tests.cloudpay.sweeps.test_faults import NOTHING_LEAVES
from tests.cloudpay.transactions.kills import Killed, kill_at

__all__ = ["run"]

FUEL = 10**6
TOP_UP_FEE, TOKEN_FEE, HOME_FEE = 20, 60, 10  # of the fake chain; what goes home pays the lowest tier


def by_hand(collector: Collector, *, dry_run: bool = False) -> list[SweepLine]:
    """Sweep at once, with fees that are known."""
    collector.gateway.db.run(lambda session: want_quotes(session, collector.gateway, "evm"))
    collector.sender.work(look=True)
    return sweep_now(collector.gateway, collector.network, dry_run=dry_run)


def masters_coins(collector: Collector) -> int:
    return collector.chain.spendable(collector.master.address)


def test_a_top_up_comes_from_it_and_the_master_wallets_native_coins_stay(collector: Collector) -> None:
    station, before = collector.fund_gas_station(), masters_coins(collector)
    invoice = collector.paid()
    for _ in range(16):
        step(collector)
    assert collector.stand() == [("sweep", "confirmed"), ("top_up", "confirmed")]
    [top_up] = [each for each in collector.spends() if each.kind == "top_up"]
    assert (top_up.source, top_up.recipient) == (station, invoice.option.address)
    assert collector.booked("USDT")[AccountKind.MASTER] == 10_000_000
    assert masters_coins(collector) == before == collector.booked("ETH")[AccountKind.MASTER]
    assert collector.booked("ETH")[AccountKind.GAS] == FUEL - TOKEN_FEE - TOP_UP_FEE
    assert collector.booked("ETH")[AccountKind.GAS_RESERVED] == 0
    assert collector.agree()
    assert len(collector.shop.state(invoice).payments) == 1


@pytest.mark.parametrize("depth", [1, 2])
def test_f33_a_top_up_of_its_own_that_a_reorganisation_takes_out_is_booked_once(
    collector: Collector, depth: int
) -> None:
    collector.fund_gas_station()
    collector.paid()
    collector.turn()
    collector.turn()
    collector.chain.reorg(depth, remine=False)
    collector.go_on(8)
    assert {each.status for each in collector.spends()} == {"confirmed"}
    assert collector.agree()


def test_one_that_is_empty_has_tokens_wait_however_rich_the_master_wallet_is(collector: Collector) -> None:
    station = collector.choose_gas_station(own=True).address
    collector.paid()
    collector.go_on(2)
    assert (collector.stand(), collector.rows()) == ([], {"USDT": "no_gas"})
    look_at_reserves(collector.gateway)
    [alert] = [each for each in alert_views(collector.gateway) if each.kind is AlertKind.GAS_LOW]
    assert f"The gas station {station} on evm" in alert.sentence
    collector.fund_gas_station()
    look_at_reserves(collector.gateway)
    assert AlertKind.GAS_LOW not in collector.alerts()
    collector.go_on(after=600)
    assert ("sweep", "confirmed") in collector.stand()
    assert collector.agree()


def test_a_low_master_wallet_is_no_alert_while_another_address_fuels(
    open_collector: Callable[..., Collector],
) -> None:
    collector = open_collector(gas_low_water="0.000001")
    station = collector.choose_gas_station(own=True).address
    collector.chain.send(station, 10**13, None)
    collector.paid()
    look_at_reserves(collector.gateway)
    assert AlertKind.GAS_LOW not in collector.alerts()


def test_an_alert_of_before_a_change_ends_with_it_and_the_next_one_names_the_new_address(
    open_collector: Callable[..., Collector],
) -> None:
    """Whoever read the old one would send coins to where they fuel nothing."""
    collector = open_collector(gas_low_water="1")
    collector.paid()
    look_at_reserves(collector.gateway)
    [before] = [each for each in alert_views(collector.gateway) if each.kind is AlertKind.GAS_LOW]
    assert f"The master wallet {collector.master.address} on evm" in before.sentence
    for own in (True, False):
        address = collector.choose_gas_station(own=own).address
        assert AlertKind.GAS_LOW not in collector.alerts()
        look_at_reserves(collector.gateway)
        [after] = [each for each in alert_views(collector.gateway) if each.kind is AlertKind.GAS_LOW]
        assert f"{address} on evm" in after.sentence
    collector.choose_gas_station(own=False)
    assert AlertKind.GAS_LOW in collector.alerts(), "what changes nothing ends no alert"


def test_after_it_went_back_the_master_wallet_fuels_and_a_sweep_brings_the_rest_home(
    collector: Collector,
) -> None:
    station = collector.fund_gas_station()
    collector.paid()
    collector.go_on()
    left = collector.booked("ETH")[AccountKind.GAS]
    assert collector.choose_gas_station(own=False).left_behind == left > 0
    before = masters_coins(collector)
    [planned] = [each for each in by_hand(collector, dry_run=True) if each.action == "home"]
    [line] = [each for each in by_hand(collector) if each.action == "home"]
    assert (line.address, line.asset) == (planned.address, planned.asset) == (station, "ETH")
    for _ in range(10):
        step(collector)
    [home] = [each for each in collector.spends() if each.kind == "home"]
    assert (home.status, home.amount) == ("confirmed", left - HOME_FEE)
    assert masters_coins(collector) == before + left - HOME_FEE == collector.booked("ETH")[AccountKind.MASTER]
    assert collector.booked("ETH")[AccountKind.GAS] == collector.chain.spendable(station) == 0
    assert by_hand(collector) == []
    collector.paid()
    collector.go_on()
    sources = [each.source for each in collector.spends() if each.kind == "top_up"]
    assert sources == [station, collector.master.address]
    assert collector.agree()


def test_while_it_fuels_only_what_is_no_fuel_goes_home(collector: Collector) -> None:
    station = collector.fund_gas_station()
    collector.fund_gas_station(5_000_000, "USDT")
    assert collector.booked("USDT")[AccountKind.GAS] == 5_000_000
    [line] = by_hand(collector)
    assert (line.action, line.asset, line.amount) == ("home", "USDT", "5.00")
    collector.go_on()
    assert collector.booked("USDT")[AccountKind.MASTER] == 5_000_000
    assert collector.chain.spendable(station) == FUEL - 3 * HOME_FEE
    assert collector.agree()


def test_while_something_is_under_way_from_there_what_raises_its_fee_stays(collector: Collector) -> None:
    """A top-up that bids too little would wait for ever, and what went home behind it as well."""
    station = collector.fund_gas_station()
    collector.paid()
    for _ in range(6):
        collector.turn(after=5)
        if ("top_up", "sent") in collector.stand():
            break
    assert ("top_up", "sent") in collector.stand()
    collector.choose_gas_station(own=False)
    for dry_run in (True, False):
        [line] = [each for each in by_hand(collector, dry_run=dry_run) if each.address == station]
        assert (line.action, line.asset, line.spend_id) == ("leave", "ETH", None)
        assert "sweep once more when that has ended" in line.reason
    collector.go_on(5)
    assert {each.status for each in collector.spends()} == {"confirmed"}
    left = collector.booked("ETH")[AccountKind.GAS]
    [line] = [each for each in by_hand(collector) if each.address == station]
    assert line.action == "home"
    collector.go_on()
    [home] = [each for each in collector.spends() if each.kind == "home"]
    assert (home.status, home.amount) == ("confirmed", left - HOME_FEE)
    assert collector.agree()


def test_tokens_go_home_before_the_native_coins_that_pay_for_them(collector: Collector) -> None:
    station = collector.fund_gas_station()
    collector.fund_gas_station(5_000_000, "USDT")
    collector.choose_gas_station(own=False)
    assert [(each.action, each.asset) for each in by_hand(collector)] == [("home", "USDT"), ("leave", "ETH")]
    collector.go_on()
    assert [(each.action, each.asset) for each in by_hand(collector)] == [("home", "ETH")]
    collector.go_on()
    assert collector.booked("USDT")[AccountKind.MASTER] == 5_000_000
    assert collector.chain.spendable(station) == collector.booked("ETH")[AccountKind.GAS] == 0
    assert collector.agree()


def test_what_goes_home_and_cannot_be_sent_as_planned_is_taken_back_and_planned_anew(
    collector: Collector,
) -> None:
    station = collector.fund_gas_station()
    collector.choose_gas_station(own=False)
    by_hand(collector)
    collector.chain.prices = {tier: 2 * price for tier, price in collector.chain.prices.items()}
    for _ in range(4):
        collector.turn(after=6)
    assert collector.stand() == [("home", "cancelled")]
    assert collector.booked("ETH")[AccountKind.GAS] == FUEL
    collector.clock.advance(timedelta(seconds=20))
    by_hand(collector)
    collector.go_on()
    assert collector.stand() == [("home", "cancelled"), ("home", "confirmed")]
    assert collector.chain.spendable(station) == collector.booked("ETH")[AccountKind.GAS]
    assert collector.agree()


@pytest.mark.parametrize("place", [Failpoint.SWEEP_BOOKED, Failpoint.SWEEP_REQUESTED])
def test_f110_killed_while_it_is_sent_home_it_goes_once(collector: Collector, place: Failpoint) -> None:
    collector.fund_gas_station()
    collector.choose_gas_station(own=False)
    by_hand(collector, dry_run=True)
    kill_at(place)
    with pytest.raises(Killed):
        sweep_now(collector.gateway, collector.network, dry_run=False)
    assert (collector.spends(), collector.booked("ETH")[AccountKind.GAS]) == ([], FUEL)
    collector.restart()
    by_hand(collector)
    collector.go_on()
    assert collector.stand() == [("home", "confirmed")]
    assert collector.booked("ETH")[AccountKind.GAS] == 0
    assert collector.agree()


def test_f72_neither_a_top_up_nor_what_goes_home_counts_against_the_ceilings(collector: Collector) -> None:
    """They are for what goes to others: where nothing may leave, deposits are collected all the same."""
    collector.gateway.settings.signer_limits_path.write_text(NOTHING_LEAVES, encoding="utf-8")
    collector.fund_gas_station()
    collector.paid()
    collector.go_on()
    collector.choose_gas_station(own=False)
    by_hand(collector)
    collector.go_on()
    assert sorted(collector.stand()) == [
        ("home", "confirmed"),
        ("sweep", "confirmed"),
        ("top_up", "confirmed"),
    ]
    assert collector.agree()


def test_chosen_back_and_forth_at_every_step_books_and_chain_agree(collector: Collector) -> None:
    """Whichever fuels when a top-up is drafted pays for it, to its end."""
    collector.fund_gas_station()
    paid = [collector.paid() for _ in range(3)]
    for turn in range(24):
        collector.choose_gas_station(own=turn % 2 == 0)
        if turn % 5 == 4:
            by_hand(collector)
        step(collector)
        if turn in (3, 9):
            paid.append(collector.paid())
    collector.go_on(6, after=600)
    kinds = [each.kind for each in collector.spends() if each.status == "confirmed"]
    assert kinds.count("sweep") == kinds.count("top_up") == len(paid)
    assert collector.booked("USDT")[AccountKind.MASTER] == 10_000_000 * len(paid)
    promised = [
        collector.booked("ETH").get(each, 0) for each in (AccountKind.RESERVED, AccountKind.GAS_RESERVED)
    ]
    assert promised == [0, 0]
    assert collector.agree()
    assert not drifts(collector)


def test_the_command_shows_what_goes_home(
    collector: Collector, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.fund_gas_station()
    collector.choose_gas_station(own=False)
    by_hand(collector, dry_run=True)
    monkeypatch.setattr(session, "open_gateway", lambda _settings, process: collector.gateway)
    told = json.loads(run("sweep", "evm", "--dry-run", "--json").out)
    assert [(each["action"], each["reason"]) for each in told] == [
        ("home", "The gas station does not need it (low fee).")
    ]
