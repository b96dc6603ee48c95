"""What is offered for a place in a block: outbid when it waits too long, never above the cap, always reserved."""

from collections.abc import Callable
from datetime import timedelta

from cloudpay.chains.spending import Broadcast, FeeTier
from tests.cloudpay.transactions.desk import FUNDS, Desk


def test_f55_what_waits_too_long_is_outbid_under_its_claim_and_to_its_payee(desk: Desk) -> None:
    desk.chain.floor = 30
    desk.pay("p1")
    desk.work()
    desk.chain.mine(1)
    desk.work(after=91)
    first, second = desk.attempts()
    assert first.transaction_id == second.transaction_id
    assert second.largest_fee >= first.largest_fee * 110 // 100
    assert desk.chain.heard[-1].tx_id == second.tx_id
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.received("p1") == 100
    assert desk.view("p1").tx_id == second.tx_id
    assert desk.view("p1").fee == second.largest_fee
    assert desk.books() == (FUNDS - 100 - second.largest_fee, 0)


def test_f55_a_replacement_that_is_underpriced_is_outbid_after_a_block(desk: Desk) -> None:
    desk.chain.floor = 1000
    desk.pay("p1")
    desk.work()
    desk.work(after=91)
    desk.chain.says = Broadcast.REJECTED
    desk.work(after=91)
    desk.chain.says = None
    assert [each.number for each in desk.attempts()] == [1, 2, 3]
    assert desk.attempts()[-1].answer == "rejected"
    desk.work(after=20)
    assert [each.number for each in desk.attempts()] == [1, 2, 3, 4]


def test_a_cheap_one_in_front_is_bumped_when_a_dearer_one_waits_behind_it(desk: Desk) -> None:
    desk.chain.floor = 30
    desk.pay("cheap", tier=FeeTier.LOW)
    desk.work()
    desk.pay("dear", tier=FeeTier.HIGH, fee=40)
    desk.work()
    desk.work(after=20)
    cheap, *_ = desk.transactions()
    assert (cheap.attempts, cheap.tier) == (2, FeeTier.HIGH)
    desk.confirm()
    assert desk.statuses("cheap", "dear") == ["confirmed", "confirmed"]


def test_f59_a_fee_above_the_cap_waits_and_goes_out_when_it_has_fallen(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk(fee_cap="0.00000000000000003")  # 30 base units
    desk.chain.prices = dict.fromkeys(FeeTier, 50)
    desk.pay("p1")
    desk.work()
    assert desk.statuses("p1") == ["queued"]
    assert desk.view("p1").reason
    assert desk.attempts() == []
    desk.chain.prices = dict.fromkeys(FeeTier, 25)
    desk.work(after=6)
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.view("p1").reason == ""


def test_f59_a_fee_above_what_is_reserved_is_reserved_first(desk: Desk) -> None:
    desk.chain.prices = dict.fromkeys(FeeTier, 50)
    desk.pay("p1", fee=20)
    desk.work()
    assert desk.books() == (FUNDS - 100 - 50, 100 + 50)
    desk.confirm()
    assert desk.books() == (FUNDS - 100 - 50, 0)


def test_what_waits_for_a_block_longer_than_its_patience_and_cannot_pay_more_keeps_waiting(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk(fee_cap="0.00000000000000002")
    desk.chain.floor = 30
    desk.pay("p1")
    desk.work()
    desk.clock.advance(timedelta(seconds=91))
    desk.work()
    assert desk.statuses("p1") == ["sent"]
    assert len(desk.attempts()) == 1
