"""What was paid comes to the master wallet, and the books hold what the chain holds at every step."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
from sqlalchemy import select, update

from cloudpay.invoices.models import InvoiceRow
from cloudpay.invoices.states import Priority
from cloudpay.kernel.sections import Rates
from cloudpay.ledger.types import AccountKind
from cloudpay.payments.networks import pause
from cloudpay.sweeps.manual import waiting
from cloudpay.sweeps.models import UnsweptRow
from cloudpay.transactions.control import freeze, thaw
from cloudpay.wallets.balance import master_balance
from tests.cloudpay.sweeps.collector import Collector

NATIVE_FEE, TOKEN_FEE = 20, 60
"""What the fake chain takes for a transfer of medium priority."""


def test_a_token_is_collected_after_its_address_got_what_that_costs_and_no_more(collector: Collector) -> None:
    invoice = collector.paid(10_000_000)
    before = collector.booked("ETH")[AccountKind.MASTER]
    collector.go_on()
    assert collector.stand() == [("sweep", "confirmed"), ("top_up", "confirmed")]
    assert collector.chain.spendable(collector.master.address, invoice.option.asset) == 10_000_000
    assert collector.booked("USDT")[AccountKind.MASTER] == 10_000_000
    assert collector.booked("USDT")[AccountKind.DEPOSITS] == 0
    top_up = next(each for each in collector.spends() if each.kind == "top_up")
    assert top_up.amount == TOKEN_FEE
    assert collector.booked("ETH")[AccountKind.MASTER] == before - TOKEN_FEE - NATIVE_FEE
    assert collector.booked("ETH")[AccountKind.FEES] == TOKEN_FEE + NATIVE_FEE
    assert collector.agree()
    assert collector.rows() == {}


def test_native_coins_are_collected_without_a_top_up_less_their_fee(collector: Collector) -> None:
    invoice = collector.paid(5_000, "ETH")
    before = collector.booked("ETH")[AccountKind.MASTER]
    collector.go_on()
    assert collector.stand() == [("sweep", "confirmed")]
    assert collector.chain.spendable(invoice.option.address) == 0
    assert collector.booked("ETH")[AccountKind.MASTER] == before + 5_000 - NATIVE_FEE
    assert collector.booked("ETH")[AccountKind.DEPOSITS] == 0
    assert collector.agree()
    assert collector.rows() == {}


def test_what_lies_there_is_unswept_until_it_has_arrived(collector: Collector) -> None:
    collector.paid(10_000_000)
    key = ("evm", collector.network.asset("USDT").contract or "")

    def told() -> tuple[int, int]:
        found = master_balance(collector.gateway, collector.shop.principal, *key)
        return found.available, found.unswept

    assert told() == (0, 10_000_000)
    collector.turn(after=5)
    assert collector.booked("USDT")[AccountKind.TRANSIT] == 10_000_000
    assert told() == (0, 10_000_000)
    collector.go_on()
    assert told() == (10_000_000, 0)


def test_an_invoice_s_priority_is_the_tier_of_its_sweep(collector: Collector) -> None:
    invoice = collector.shop.ask(currency="ETH")
    collector.gateway.db.run(
        lambda session: session.execute(update(InvoiceRow).values(priority=Priority.HIGH.value))
    )
    collector.shop.pay(invoice, 50_000)
    collector.shop.mine(4)
    collector.go_on()
    [sweep] = collector.spends()
    assert (sweep.tier, sweep.fee) == ("high", 40)


def test_only_final_payments_are_collected(collector: Collector) -> None:
    invoice = collector.shop.ask()
    collector.shop.pay(invoice)
    collector.shop.mine()
    collector.turn(after=60)
    assert collector.spends() == []
    collector.shop.mine(3)
    collector.go_on()
    assert collector.stand() == [("sweep", "confirmed"), ("top_up", "confirmed")]


def test_money_waits_until_it_is_time_or_much_enough(open_collector: Callable[..., Collector]) -> None:
    collector = open_collector(sweeps={"every_seconds": 3600, "address_above_usd": "50"})
    collector.paid(50_000_000)
    collector.go_on()
    assert (collector.stand(), collector.rows()) == ([], {"USDT": "later"})
    collector.paid(50_000_001)
    collector.go_on()
    assert collector.stand() == [("sweep", "confirmed"), ("top_up", "confirmed")]
    collector.turn(after=3600)
    collector.go_on()
    assert collector.booked("USDT")[AccountKind.MASTER] == 100_000_001


def test_many_small_amounts_of_a_merchant_are_much_together(
    open_collector: Callable[..., Collector],
) -> None:
    collector = open_collector(sweeps={"every_seconds": 3600, "merchant_above_usd": "15"})
    collector.paid(10_000_000)
    collector.go_on(1)
    assert collector.spends() == []
    collector.paid(10_000_000)
    collector.go_on()
    assert collector.booked("USDT")[AccountKind.MASTER] == 20_000_000


def test_what_is_not_worth_its_fee_is_left_and_listed_until_it_is(collector: Collector) -> None:
    collector.chain.prices = dict.fromkeys(collector.chain.prices, 10**14)  # a token's: 0.75 dollars
    collector.fund_master(10**18)
    collector.paid(10_000_000)
    collector.go_on()
    [line] = waiting(collector.gateway, collector.network)
    assert (line.action, line.amount, line.asset) == ("leave", "10.00", "USDT")
    assert "fee_share_percent" in line.reason
    assert collector.spends() == []
    collector.chain.prices = dict.fromkeys(collector.chain.prices, 10**12)
    collector.turn(after=60)
    collector.turn(after=3600)
    collector.go_on()
    assert collector.booked("USDT")[AccountKind.MASTER] == 10_000_000
    assert collector.agree()


def test_dust_is_listed_and_looked_at_ever_more_rarely(collector: Collector) -> None:
    collector.paid(19, "ETH")
    for _ in range(16):
        collector.turn(after=1)
    with collector.gateway.db.read() as session:
        [row] = session.scalars(select(UnsweptRow)).all()
    assert row.standing == "dust"
    assert 2 <= row.looks <= 6  # after 1, 2, 4, 8 and 16 seconds, and never 16 times
    assert collector.spends() == []


def test_a_token_without_a_rate_is_collected_from_its_minimum_on(
    open_collector: Callable[..., Collector],
) -> None:
    collector = open_collector(assets={"WBTC": {"sweep_minimum": "0.5"}})
    rates = msgspec.structs.replace(collector.gateway.settings, rates=Rates(fixed={"ETH": "2500"}))
    collector.shop.gateway = replace(collector.gateway, settings=rates)
    collector.restart()
    collector.paid(10**7, "WBTC")
    collector.paid(10_000_000, "USDT")
    collector.go_on()
    assert collector.rows() == {"WBTC": "too_little", "USDT": "unpriced"}
    collector.paid(10**8, "WBTC")
    collector.go_on()
    assert collector.booked("WBTC")[AccountKind.MASTER] == 10**8


def test_tokens_and_coins_of_one_address_go_one_after_the_other(collector: Collector) -> None:
    invoice = collector.shop.ask()
    collector.shop.pay(invoice, 10_000_000)
    collector.chain.send(invoice.option.address, 30_000)
    collector.shop.mine(4)
    collector.go_on(6)
    assert collector.stand() == [("sweep", "confirmed"), ("sweep", "confirmed")]
    assert [each.asset != "" for each in collector.spends()] == [True, False]
    assert collector.on_chain("ETH") == 10**6 + 30_000 - TOKEN_FEE - NATIVE_FEE
    assert collector.agree()


def test_nothing_is_collected_on_a_network_that_is_paused_or_frozen(collector: Collector) -> None:
    collector.paid()
    freeze(collector.gateway, "evm", "a test", actor="test")
    collector.go_on(2)
    assert collector.spends() == []
    thaw(collector.gateway, "evm", "over", actor="test")
    pause(collector.gateway, "evm", "a test", actor="test")
    collector.turn(after=5)
    assert collector.spends() == []


def test_the_switch_turns_off_collecting_by_itself(open_collector: Callable[..., Collector]) -> None:
    collector = open_collector(sweeps={"enabled": False})
    collector.paid()
    collector.go_on(2)
    assert collector.spends() == []
    assert len(waiting(collector.gateway, collector.network)) == 1
