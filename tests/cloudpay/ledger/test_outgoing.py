import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger import outgoing as book
from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import Funding, Outgoing
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import InsufficientFunds, JournalConflict
from cloudpay.testing.clock import START

Answer = TypeVar("Answer")
TOKEN = "0xToken"
PAYOUT = Outgoing("po_1", "mer_1", True, "evm", TOKEN, amount=40, fee_reserved=7)
NATIVE = replace(PAYOUT, spend_id="po_2", asset="")


def holdings(gateway: Gateway) -> dict[tuple[str, str], int]:
    """What is on each account, by asset and kind; empty accounts are left out."""
    with gateway.db.read() as session:
        found = balances(session, "mer_1", livemode=True)
    return {(key.asset, key.kind.value): each.held for key, each in found.items() if each.held}


def do(gateway: Gateway, post: Callable[..., Answer], *arguments: object) -> Answer:
    """Book in a transaction of its own."""
    return gateway.db.run(lambda session: post(session, *arguments, START))


@pytest.fixture
def funded(gateway: Gateway) -> Gateway:
    """A master wallet with 100 of the token and 50 of the native coin."""

    def fund(session: Session) -> None:
        for asset, amount in ((TOKEN, 100), ("", 50)):
            came = Funding("evm", "0xa", "0xmaster", asset, 0, "mer_1", True, amount)
            assert book.post_funding(session, came, START) is True

    gateway.db.run(fund)
    return gateway


FUNDED = {
    (TOKEN, "master"): 100,
    (TOKEN, "funding"): -100,
    ("", "master"): 50,
    ("", "funding"): -50,
}


def test_money_from_outside_is_booked_once_and_reversed_exactly(gateway: Gateway) -> None:
    came = Funding("evm", "0xa", "0xmaster", TOKEN, 0, "mer_1", True, 5)
    assert do(gateway, book.post_funding, came) is True
    assert do(gateway, book.post_funding, came) is False
    assert holdings(gateway) == {(TOKEN, "master"): 5, (TOKEN, "funding"): -5}
    assert do(gateway, book.post_funding_reversed, came) is True
    assert do(gateway, book.post_funding_reversed, came) is False
    assert holdings(gateway) == {}
    again = replace(came, count=2)
    assert do(gateway, book.post_funding, again) is True
    assert check(gateway) == []


def test_money_that_left_by_no_spend_of_ours_is_booked_out(funded: Gateway) -> None:
    left = Funding("evm", "0xb", "0xmaster", TOKEN, 0, "mer_1", True, 30, leaves=True)
    do(funded, book.post_funding, left)
    assert holdings(funded) == {**FUNDED, (TOKEN, "master"): 70, (TOKEN, "funding"): -70}
    do(funded, book.post_funding_reversed, left)
    assert holdings(funded) == FUNDED


def test_transfers_whose_names_are_too_long_for_a_reference_are_still_told_apart(gateway: Gateway) -> None:
    came = Funding("evm", "0x" + "a" * 150, "0xmaster" + "b" * 100, TOKEN, 0, "mer_1", True, 5)
    for each in (came, replace(came, ordinal=1), replace(came, address="0x" + "c" * 100)):
        assert do(gateway, book.post_funding, each) is True
        assert do(gateway, book.post_funding, each) is False
    assert holdings(gateway)[TOKEN, "master"] == 15


def test_a_promise_takes_the_amount_in_its_asset_and_the_fee_in_the_native_coin(funded: Gateway) -> None:
    assert do(funded, book.post_reserve, PAYOUT) is True
    assert do(funded, book.post_reserve, PAYOUT) is False
    assert holdings(funded) == {
        **FUNDED,
        (TOKEN, "master"): 60,
        (TOKEN, "reserved"): 40,
        ("", "master"): 43,
        ("", "reserved"): 7,
    }
    with funded.db.read() as session:
        assert book.available(session, "mer_1", True, "evm", TOKEN) == 60
        assert book.reserved(session, "mer_1", True, "evm", TOKEN) == 40
        assert book.available(session, "mer_1", False, "evm", TOKEN) == 0
    assert check(funded) == []


def test_a_native_spend_promises_amount_and_fee_of_the_same_coin(funded: Gateway) -> None:
    do(funded, book.post_reserve, NATIVE)
    assert holdings(funded) == {**FUNDED, ("", "master"): 3, ("", "reserved"): 47}
    with pytest.raises(InsufficientFunds) as refused:
        do(funded, book.post_reserve, replace(NATIVE, spend_id="po_3", amount=1))
    assert [(each.needed, each.available) for each in refused.value.shortages] == [(8, 3)]


def test_a_promise_with_other_amounts_under_the_same_id_is_refused(funded: Gateway) -> None:
    do(funded, book.post_reserve, PAYOUT)
    with pytest.raises(JournalConflict, match="po_1"):
        do(funded, book.post_reserve, replace(PAYOUT, amount=41))


def test_f60_promises_that_are_not_covered_together_are_refused_together_with_every_shortage(
    funded: Gateway,
) -> None:
    many = [replace(PAYOUT, spend_id=f"po_{number}", amount=11, fee_reserved=6) for number in range(10)]
    with pytest.raises(InsufficientFunds) as refused:
        do(funded, book.post_reserve_many, many)
    short = {each.account.asset: (each.needed, each.available) for each in refused.value.shortages}
    assert short == {TOKEN: (110, 100), "": (60, 50)}
    assert holdings(funded) == FUNDED
    covered = many[:8]
    made = do(funded, book.post_reserve_many, covered)
    assert made == {f"spend:po_{number}:reserved" for number in range(8)}
    assert do(funded, book.post_reserve_many, covered) == frozenset()
    assert holdings(funded)[TOKEN, "reserved"] == 88
    assert check(funded) == []


def test_many_promises_cost_as_many_statements_as_one(funded: Gateway) -> None:
    def cost(outgoings: list[Outgoing]) -> int:
        statements: list[str] = []

        def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        event.listen(funded.db.engine, "before_cursor_execute", count)
        do(funded, book.post_reserve_many, outgoings)
        event.remove(funded.db.engine, "before_cursor_execute", count)
        return len(statements)

    cost([replace(PAYOUT, spend_id="po_first", amount=1, fee_reserved=1)])  # makes the accounts
    single = cost([replace(PAYOUT, spend_id="po_one", amount=1, fee_reserved=1)])
    many = [replace(PAYOUT, spend_id=f"po_many{number}", amount=1, fee_reserved=1) for number in range(40)]
    assert cost(many) == single


def test_f60_promises_that_race_for_the_last_coins_never_promise_more_than_there_is(funded: Gateway) -> None:
    barrier, made, refused = threading.Barrier(6, timeout=20), list[str](), list[str]()

    def work(number: int) -> None:
        mine = replace(PAYOUT, spend_id=f"po_{number}", amount=30, fee_reserved=1)
        barrier.wait()
        try:
            do(funded, book.post_reserve, mine)
            made.append(mine.spend_id)
        except InsufficientFunds:
            refused.append(mine.spend_id)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(made), len(refused)) == (3, 3)
    assert holdings(funded)[TOKEN, "master"] == 10
    assert check(funded) == []


def test_a_promise_that_is_given_back_leaves_what_was_there_before(funded: Gateway) -> None:
    both = [PAYOUT, replace(NATIVE, amount=5)]
    do(funded, book.post_reserve_many, both)
    assert do(funded, book.post_more_fee, PAYOUT, 3, 1) is True
    assert do(funded, book.post_more_fee, PAYOUT, 3, 1) is False
    assert holdings(funded)["", "reserved"] == 7 + 7 + 5 + 3
    dearer = replace(PAYOUT, fee_reserved=10)
    assert do(funded, book.post_void, dearer) is True
    assert do(funded, book.post_void, dearer) is False
    assert len(do(funded, book.post_void_many, both[1:])) == 1
    assert holdings(funded) == FUNDED
    assert check(funded) == []


def test_a_further_fee_that_is_not_there_is_refused(funded: Gateway) -> None:
    do(funded, book.post_reserve, PAYOUT)
    with pytest.raises(InsufficientFunds, match="44 base units of the native coin on evm are needed, and 43"):
        do(funded, book.post_more_fee, PAYOUT, 44, 1)


@pytest.mark.parametrize(("fee", "free"), [(0, 50), (5, 45), (7, 43), (9, 41)])
def test_a_final_spend_pays_out_books_its_fee_and_frees_the_rest(
    funded: Gateway, fee: int, free: int
) -> None:
    do(funded, book.post_reserve, PAYOUT)
    assert do(funded, book.post_settled, PAYOUT, fee) is True
    assert do(funded, book.post_settled, PAYOUT, fee) is False
    expected = {**FUNDED, (TOKEN, "master"): 60, (TOKEN, "paid_out"): 40, ("", "master"): free}
    assert holdings(funded) == expected | ({("", "fees"): fee} if fee else {})
    assert check(funded) == []


def test_f61_a_reverted_spend_books_its_fee_and_nothing_else(funded: Gateway) -> None:
    do(funded, book.post_reserve, PAYOUT)
    assert do(funded, book.post_reverted, PAYOUT, 5) is True
    assert do(funded, book.post_reverted, PAYOUT, 5) is False
    assert holdings(funded) == {**FUNDED, ("", "master"): 45, ("", "fees"): 5}
    assert check(funded) == []


@pytest.mark.parametrize("settled", [True, False])
def test_f33_what_the_chain_takes_back_is_promised_again_exactly(funded: Gateway, settled: bool) -> None:
    end = book.post_settled if settled else book.post_reverted
    do(funded, book.post_reserve, PAYOUT)
    promised = holdings(funded)
    for count in (1, 2):
        turn = replace(PAYOUT, count=count)
        assert do(funded, end, turn, 5) is True
        for new in (True, False):
            assert do(funded, book.post_taken_back, turn, 5, settled) is new
        assert holdings(funded) == promised
    assert check(funded) == []
