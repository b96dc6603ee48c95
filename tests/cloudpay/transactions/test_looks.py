"""How often the chain is looked at: seldom while there is more to sign, by the block for a crowd, never for nothing."""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from cloudpay.chains.types import Statuses
from tests.cloudpay.transactions.desk import Desk
from tests.cloudpay.transactions.test_bulk import names

CROWD = names(30)


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often the chain is asked for each transaction, and for what else by name."""
    counted: Counter[str] = Counter()
    statuses, head, header = desk.chain.statuses, desk.chain.head, desk.chain.header_at

    def ask(tx_ids: Iterable[str]) -> Statuses:
        wanted = list(tx_ids)
        counted.update(wanted)
        return statuses(wanted)

    def named(name: str, work: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            counted[name] += 1
            return work(*arguments)

        return call

    monkeypatch.setattr(desk.chain, "statuses", ask)
    monkeypatch.setattr(desk.chain, "head", named("head", head))
    monkeypatch.setattr(desk.chain, "header_at", named("header", header))
    return counted


def send_crowd(desk: Desk) -> None:
    """Have thirty payouts in one block, and seen there."""
    desk.chain.window = 1000
    desk.pay(*CROWD)
    desk.work()
    desk.chain.mine(1)
    desk.work()


def test_a_crowd_in_one_block_is_asked_for_when_it_is_found_and_when_it_is_final(
    desk: Desk, asked: Counter[str]
) -> None:
    send_crowd(desk)
    asked.clear()
    desk.work(5)
    assert set(asked) == {"head", "header"}, "no one of a crowd whose block is there is asked for"
    for _ in range(10):
        desk.chain.mine(1)
        desk.work()
    assert desk.statuses(*CROWD) == ["confirmed"] * 30
    receipts = {each.tx_id: asked[each.tx_id] for each in desk.attempts()}
    assert set(receipts.values()) == {1}, "the one is for the fee, when it became final"
    assert asked["header"] <= 15, "a block is asked for once a look"


def test_f33_a_crowd_whose_block_is_taken_out_goes_again_as_the_same_bytes(desk: Desk) -> None:
    send_crowd(desk)
    desk.chain.reorg(1, remine=False)
    desk.chain.forget()
    heard = len(desk.chain.heard)
    desk.work(2)
    assert {each.raw for each in desk.chain.heard[heard:]} == {each.raw for each in desk.attempts()}
    desk.confirm()
    assert desk.statuses(*CROWD) == ["confirmed"] * 30
    assert [desk.received(each) for each in CROWD] == [100] * 30
    assert len(desk.attempts()) == 30


def test_f33_a_final_crowd_that_a_deep_reorganisation_takes_out_is_under_way_again(desk: Desk) -> None:
    send_crowd(desk)
    desk.confirm(2)
    assert desk.statuses(*CROWD) == ["confirmed"] * 30
    desk.chain.reorg(4, remine=False)
    desk.chain.forget()
    desk.chain.mine(9)
    desk.work(3)
    assert desk.statuses(*CROWD) == ["sent"] * 30
    desk.confirm()
    assert desk.statuses(*CROWD) == ["confirmed"] * 30
    assert [desk.received(each) for each in CROWD] == [100] * 30
    assert len(desk.attempts()) == 30


def test_a_crowd_is_looked_for_one_by_one_where_the_chain_has_become_shorter_than_its_block(
    desk: Desk, asked: Counter[str]
) -> None:
    send_crowd(desk)
    desk.chain.head_backwards(2)
    asked.clear()
    desk.work()
    assert asked["header"] == 0
    assert all(asked[each.tx_id] for each in desk.attempts())


def test_looks_wait_while_there_is_more_to_sign_and_not_for_long(desk: Desk, asked: Counter[str]) -> None:
    moment = [100.0]
    desk.sender.monotonic = lambda: moment[0]
    desk.chain.window = 1000
    desk.pay(*names(900))
    assert desk.sender.work()
    assert asked["head"] == 0, "nothing was under way"
    moment[0] += desk.sender.pause + 1
    assert desk.sender.work()
    assert asked["head"] == 0, "there is more to sign, which comes first"
    moment[0] += 5
    assert desk.sender.work()
    assert asked["head"] == 1, "what went out is followed all the same"
    while desk.sender.work():
        pass
    moment[0] += desk.sender.pause + 1
    desk.sender.work()
    assert asked["head"] == 2, "all is signed"


def test_nothing_under_way_costs_no_question(desk: Desk, asked: Counter[str]) -> None:
    desk.work(3)
    assert not asked
