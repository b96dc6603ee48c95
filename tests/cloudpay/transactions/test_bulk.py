"""Many at once: a handful of statements, a bounded pass, and the window of the chain."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import FeeTier
from cloudpay.transactions.handing import AT_ONCE
from cloudpay.transactions.states import SpendStatus
from tests.cloudpay.transactions.desk import Desk


@contextmanager
def statements(gateway: Gateway) -> Iterator[list[str]]:
    """Count what the database is asked."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    event.listen(gateway.db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(gateway.db.engine, "before_cursor_execute", note)


def names(count: int, prefix: str = "p") -> list[str]:
    """Ids that sort as they were made."""
    return [f"{prefix}{number:05}" for number in range(count)]


def test_a_hundred_payouts_go_out_by_as_many_statements_as_ten(desk: Desk) -> None:
    desk.chain.window = 1000
    desk.pay(*names(10, "few"))
    with statements(desk.gateway) as few:
        desk.sender.work()
    desk.pay(*names(100, "many"))
    with statements(desk.gateway) as many:
        desk.sender.work()
    assert set(desk.statuses(*names(100, "many"))) == {"sent"}
    assert len(many) <= len(few) + 5
    assert len(many) < 60


def test_no_more_are_signed_than_the_chain_lets_an_address_have_waiting(desk: Desk) -> None:
    desk.chain.window = 16
    desk.pay(*names(40))
    desk.work(3)
    assert desk.statuses(*names(40)).count("sent") == 16
    desk.chain.mine(1)
    desk.work(2)
    assert desk.statuses(*names(40)).count("sent") == 32


def test_an_address_that_is_full_holds_up_no_other(open_desk: Callable[..., Desk], gateway: Gateway) -> None:
    from cloudpay.merchants.service import create_merchant
    from cloudpay.wallets.masters import master_wallet

    desk = open_desk()
    desk.chain.window = 2
    desk.pay(*names(300, "a"))
    desk.work()
    other = create_merchant(gateway, "Cake Shop", livemode=False, payout_currencies={}, actor="cli:test")
    second = Desk(
        desk.gateway, desk.network, desk.chain, desk.clock, master_wallet(gateway, desk.network, other.id)
    )
    second.fund()
    second.pay("z1", "z2")
    desk.work()
    assert desk.statuses("z1", "z2") == ["sent", "sent"]


def test_the_dearer_ones_of_a_pass_go_in_front(desk: Desk) -> None:
    desk.pay("cheap", tier=FeeTier.LOW)
    desk.pay("dear", tier=FeeTier.HIGH, fee=40)
    desk.work()
    assert [row.tier for row in desk.transactions()] == ["high", "low"]


@pytest.mark.slow
def test_the_memory_of_a_pass_does_not_grow_with_the_queue(desk: Desk) -> None:
    desk.chain.window = 100_000

    def peak() -> int:
        tracemalloc.start()
        desk.sender.work()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    desk.pay(*names(AT_ONCE, "warm"))
    peak()
    desk.pay(*names(AT_ONCE, "few"))
    few = peak()
    desk.pay(*names(10_000))
    many = peak()
    assert many < 1.5 * few + 1_000_000
    assert desk.statuses(*names(10_000)).count(SpendStatus.SENT) == AT_ONCE
