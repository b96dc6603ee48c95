"""Whatever goes wrong on the way: nothing is lost, nothing is sent twice, and nothing is tried for ever."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cloudpay.alerts.states import AlertKind
from cloudpay.chains.spending import Spend
from cloudpay.chains.types import Capability
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.ledger.types import AccountKind
from cloudpay.payments.networks import resume
from cloudpay.sweeps.reserves import look_at_reserves
from cloudpay.sweeps.service import collect
from cloudpay.transactions.models import AttemptRow
from tests.cloudpay.sweeps.collector import Collector
from tests.cloudpay.transactions.kills import Killed, kill_at

NATIVE_FEE, TOKEN_FEE = 20, 60

SECOND = timedelta(seconds=1)

NOTHING_LEAVES = """
[networks.evm.assets.ETH]
per_transaction = "0"
per_day = "0"
[networks.evm.assets.USDT]
per_transaction = "0"
per_day = "0"
"""

STEPS = [
    Failpoint.SWEEP_NOTED,
    Failpoint.SWEEP_PLANNED,
    Failpoint.SWEEP_BOOKED,
    Failpoint.SWEEP_REQUESTED,
    Failpoint.SWEEP_COMMITTED,
    Failpoint.TOP_UP_BOOKED,
    Failpoint.TOP_UP_REQUESTED,
    Failpoint.SEND_WRITTEN,
    Failpoint.SEND_COMMITTED,
    Failpoint.SEND_BROADCAST,
    Failpoint.SEND_BOOKED,
    Failpoint.SEND_SETTLED,
    Failpoint.SWEEP_FOLLOWED,
]


def done_once(collector: Collector, fees: int = TOKEN_FEE + NATIVE_FEE) -> None:
    """One sweep and one top-up have done it, and books and chain agree."""
    assert collector.stand() == [("sweep", "confirmed"), ("top_up", "confirmed")]
    assert collector.booked("USDT")[AccountKind.MASTER] == 10_000_000
    assert collector.booked("ETH")[AccountKind.FEES] == fees
    assert collector.agree()


def test_f72_what_goes_to_addresses_of_ours_is_outbid_whatever_may_leave(
    open_collector: Callable[..., Collector],
) -> None:
    """The ceilings are for what goes to others: a top-up that waits would wait for ever behind one of nothing."""
    collector = open_collector(bump_after_seconds=10)
    collector.gateway.settings.signer_limits_path.write_text(NOTHING_LEAVES, encoding="utf-8")
    collector.paid()
    while not attempts(collector):
        collector.clock.advance(5 * SECOND)
        collector.shop.look()
        collect(collector.gateway)
        collector.sender.work(look=True)
    collector.clock.advance(30 * SECOND)
    collector.sender.work(look=True)
    assert attempts(collector) == 2
    day = collector.sender.station.day
    assert day.would_be("evm", (Spend("p", "", "", None, 1),), frozenset()) == {"": 1}


def attempts(collector: Collector) -> int:
    """How often something was signed."""
    with collector.gateway.db.read() as session:
        return session.scalar(select(func.count()).select_from(AttemptRow)) or 0


@pytest.mark.parametrize("place", STEPS)
def test_f110_f74_killed_at_any_step_there_is_one_sweep_and_one_top_up(
    collector: Collector, place: Failpoint
) -> None:
    kill_at(place)
    killed = False
    try:
        collector.paid(10_000_000)
        collector.go_on()
    except Killed:
        killed = True
    collector.restart()
    collector.go_on(6, after=30)
    assert killed
    done_once(collector)


def test_f74_a_deposit_during_a_sweep_is_collected_after_it(collector: Collector) -> None:
    invoice = collector.paid(10_000_000)
    collector.turn(after=5)
    collector.shop.pay(invoice, 7_000_000)
    collector.shop.mine(4)
    collector.go_on(7)
    swept = [each.amount for each in collector.spends() if each.kind == "sweep"]
    assert swept == [10_000_000, 7_000_000]
    assert collector.booked("USDT")[AccountKind.MASTER] == 17_000_000
    assert collector.agree()


def test_f23_our_own_top_ups_and_sweeps_are_no_payments_and_no_money_from_outside(
    collector: Collector,
) -> None:
    collector.chain.capabilities &= ~Capability.TRACES  # balances are looked at, too
    invoice = collector.paid(10_000_000)
    collector.chain.refund = 7
    collector.go_on(6)
    assert len(collector.shop.state(invoice).payments) == 1
    assert collector.booked("ETH")[AccountKind.FUNDING] == -(10**6)
    assert AccountKind.RECEIPTS not in collector.booked("ETH")
    assert not collector.alerts() & {AlertKind.OUTSIDE_SPEND, AlertKind.LEDGER_DIFFERS}
    assert collector.agree()


def test_coins_that_a_contract_sends_after_a_sweep_count_in_full(collector: Collector) -> None:
    collector.chain.capabilities &= ~Capability.TRACES
    invoice = collector.paid(5_000, "ETH")
    collector.go_on()
    collector.chain.send(invoice.option.address, 4_000, via_contract=True)
    collector.shop.mine(4)
    assert [each.amount for each in collector.shop.state(invoice).payments] == [5_000, 4_000]
    collector.go_on()
    assert collector.booked("ETH")[AccountKind.DEPOSITS] == 0
    assert collector.agree()


def test_a_sweep_that_reverts_leaves_the_money_where_it_is_and_its_fee_booked(collector: Collector) -> None:
    invoice = collector.paid(10_000_000)
    collector.chain.reverting = {collector.master.address}
    collector.go_on()
    sweep = next(each for each in collector.spends() if each.kind == "sweep")
    assert sweep.status == "failed"
    assert collector.booked("USDT")[AccountKind.DEPOSITS] == 10_000_000
    assert collector.booked("USDT")[AccountKind.TRANSIT] == 0
    assert collector.booked("ETH")[AccountKind.FEES] == TOKEN_FEE + NATIVE_FEE
    assert collector.rows() == {"USDT": "failed"}
    assert collector.agree()
    collector.chain.reverting = set()
    collector.go_on(after=1200)
    assert collector.chain.spendable(collector.master.address, invoice.option.asset) == 10_000_000
    assert collector.agree()


def test_f20_a_token_that_cannot_be_sent_is_listed_and_not_tried_for_ever(collector: Collector) -> None:
    collector.paid(10_000_000)
    collector.chain.refusing = {collector.master.address}
    for _ in range(30):
        collector.turn(after=86_400)
    sweeps = [each for each in collector.spends() if each.kind == "sweep"]
    assert 1 < len(sweeps) < 12
    assert {each.status for each in sweeps} == {"failed"}
    assert collector.booked("USDT")[AccountKind.DEPOSITS] == 10_000_000
    assert collector.rows() == {"USDT": "failed"}
    assert collector.agree()


def test_a_gas_station_that_is_empty_is_told_and_what_waits_goes_when_it_is_not(
    open_collector: Callable[..., Collector],
) -> None:
    collector = open_collector(gas_low_water="0.000001")
    collector.chain.prices = dict.fromkeys(collector.chain.prices, 10**12)
    collector.paid(10_000_000)
    collector.go_on()
    assert (collector.stand(), collector.rows()) == ([], {"USDT": "no_gas"})
    look_at_reserves(collector.gateway)
    assert AlertKind.GAS_LOW in collector.alerts()
    collector.fund_master(10**13)
    look_at_reserves(collector.gateway)
    assert AlertKind.GAS_LOW not in collector.alerts()
    collector.go_on(after=600)
    assert collector.stand() == [("sweep", "confirmed"), ("top_up", "confirmed")]
    assert collector.agree()


def test_where_the_chain_shows_less_than_is_booked_the_lesser_is_collected_and_told(
    collector: Collector,
) -> None:
    invoice = collector.paid(10_000_000)
    contract = invoice.option.asset
    # A token that takes balances away by no transfer.
    collector.chain.fund(invoice.option.address, -4_000_000, contract)
    collector.go_on(8, after=6)
    assert AlertKind.DEPOSIT_DIFFERS in collector.alerts()
    assert collector.chain.spendable(collector.master.address, contract) == 6_000_000
    assert collector.booked("USDT")[AccountKind.DEPOSITS] == 4_000_000
    assert collector.rows() == {"USDT": "missing"}


@pytest.mark.parametrize("place", [None, Failpoint.SWEEP_TAKEN_BACK])
def test_f110_a_fee_that_rises_between_plan_and_signature_has_it_planned_anew(
    collector: Collector, place: Failpoint | None
) -> None:
    collector.paid(1_000, "ETH")
    collector.shop.look()
    collector.clock.advance(2 * SECOND)
    collect(collector.gateway)
    if not collector.spends():  # what it costs was not known yet
        collector.sender.work(look=True)
        collect(collector.gateway)
    assert collector.stand() == [("sweep", "queued")]
    collector.chain.prices = dict.fromkeys(collector.chain.prices, 45)
    if place is not None:
        kill_at(place)
        with pytest.raises(Killed):
            collector.go_on(2, after=61)
        collector.restart()
    collector.go_on(8, after=61)
    assert collector.stand() == [("sweep", "cancelled"), ("sweep", "confirmed")]
    assert collector.booked("ETH")[AccountKind.DEPOSITS] == 0
    assert collector.agree()


def test_f31_f33_a_reorganisation_that_takes_back_a_swept_payment_is_booked_back_and_breaks_nothing(
    collector: Collector,
) -> None:
    invoice = collector.shop.ask(currency="ETH")
    payment = collector.shop.pay(invoice, 5_000)
    before = collector.chain.height
    collector.shop.mine(4)
    collector.turn(after=5)
    collector.chain.mine(3)
    collector.turn(after=5)
    assert collector.stand() == [("sweep", "confirmed")]
    assert collector.booked("ETH")[AccountKind.RECEIPTS] == -5_000
    master = collector.booked("ETH")[AccountKind.MASTER]
    collector.chain.reorg(collector.chain.height - before, drop={payment}, remine=False)
    collector.chain.forget()
    collector.chain.mine(5)
    collector.shop.look()
    collector.sender.work(look=True)
    assert collector.stand() == [("sweep", "sent")]
    books = collector.booked("ETH")
    assert books[AccountKind.RECEIPTS] == 0
    assert (books[AccountKind.DEPOSITS], books[AccountKind.TRANSIT]) == (20 - 5_000, 5_000 - 20)
    assert books[AccountKind.MASTER] == master - 5_000 + 20
    assert collector.ours("ETH") == collector.on_chain("ETH")
    collector.shop.settle()
    assert collector.rows() == {"ETH": "collected"}
    collector.chain.send(invoice.option.address, 5_000)
    collector.chain.mine(4)
    collector.shop.look()
    resume(collector.gateway, "evm", actor="test")
    collector.shop.verify()
    collector.go_on(5)
    assert collector.stand() == [("sweep", "confirmed")]
    assert collector.agree()
    assert collector.rows() == {}


def test_f68_two_who_collect_at_once_collect_once(collector: Collector) -> None:
    collector.paid(10_000_000)
    collector.turn()
    collector.sender.work(look=True)
    collector.clock.advance(10 * SECOND)
    together = threading.Barrier(2)

    def one() -> None:
        together.wait()
        collect(collector.gateway)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    collector.go_on()
    done_once(collector)
