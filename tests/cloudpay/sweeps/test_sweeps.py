"""What was paid comes to the master wallet, and the books hold what the chain holds at every step."""

from cloudpay.ledger.types import AccountKind
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
