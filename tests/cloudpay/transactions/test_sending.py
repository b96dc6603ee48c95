"""Payouts on their way: queued, signed, sent, included, final."""

from cloudpay.transactions.states import TransactionStatus
from tests.cloudpay.transactions.desk import FEE, FUNDS, Desk


def test_a_payout_is_sent_confirmed_and_booked(desk: Desk) -> None:
    desk.pay("p1", amount=500)
    assert desk.books() == (FUNDS - 500 - FEE, 500 + FEE)
    desk.work()
    assert desk.statuses("p1") == ["sent"]
    assert desk.view("p1").tx_id == desk.attempts()[0].tx_id
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.view("p1").fee == FEE
    assert desk.received("p1") == 500
    assert desk.books() == (FUNDS - 500 - FEE, 0)
    assert [row.status for row in desk.transactions()] == [TransactionStatus.SETTLED]


def test_a_hundred_payouts_take_the_numbers_of_one_sequence(desk: Desk) -> None:
    desk.chain.window = 1000
    names = [f"p{number:03}" for number in range(100)]
    desk.pay(*names)
    desk.work()
    assert desk.statuses(*names) == ["sent"] * 100
    desk.confirm()
    assert desk.statuses(*names) == ["confirmed"] * 100
    assert sum(desk.received(name) for name in names) == 100 * 100
