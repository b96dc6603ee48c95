"""The bookings of what is collected: each once, each with its exact reversal, and nothing that does not balance."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.payments import Receipt, post_receipt
from cloudpay.ledger.service import balances
from cloudpay.ledger.sweeps import (
    Collection,
    at_deposits,
    post_collected,
    post_collected_back,
    post_collecting,
    post_not_collected,
)
from cloudpay.ledger.types import AccountKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKENS = Collection("swp_1", "mer_1", False, "evm", "usdt", 100)

Books = Callable[..., Mapping[tuple[str, AccountKind], int]]


@pytest.fixture
def book(gateway: Gateway) -> Books:
    """Book something, and answer what every account holds then; 100 tokens and 9 native units lie at a deposit."""

    def held() -> Mapping[tuple[str, AccountKind], int]:
        with gateway.db.read() as session:
            found = balances(session, "mer_1", livemode=False)
        assert check(gateway) == []
        return {(key.asset, key.kind): each.held for key, each in found.items() if each.held}

    def work(*bookings: Callable[[Session], object]) -> Mapping[tuple[str, AccountKind], int]:
        for each in bookings:
            gateway.db.run(each)
        return held()

    for payment, asset, amount in (("pay_1", "usdt", 100), ("pay_2", "", 9)):
        receipt = Receipt(payment, 1, "mer_1", False, "evm", asset, amount)
        gateway.db.run(lambda session, receipt=receipt: post_receipt(session, receipt, NOW))  # type: ignore[misc]
    return work


def begun(session: Session) -> object:
    return post_collecting(session, [TOKENS], NOW)


def test_what_is_collected_is_in_transit_and_then_in_the_master_wallet(book: Books) -> None:
    assert book(begun, begun)["usdt", AccountKind.TRANSIT] == 100
    done = book(lambda session: post_collected(session, [(TOKENS, 4)], NOW, settled=True))
    assert done["usdt", AccountKind.MASTER] == 100
    assert (done["", AccountKind.DEPOSITS], done["", AccountKind.FEES]) == (5, 4)
    assert ("usdt", AccountKind.TRANSIT) not in done
    again = book(lambda session: post_collected(session, [(TOKENS, 4)], NOW, settled=True))
    assert again == done


def test_what_reverted_lies_where_it_was_and_its_fee_is_gone(book: Books) -> None:
    done = book(begun, lambda session: post_collected(session, [(TOKENS, 4)], NOW, settled=False))
    assert done["usdt", AccountKind.DEPOSITS] == 100
    assert (done["", AccountKind.DEPOSITS], done["", AccountKind.FEES]) == (5, 4)


@pytest.mark.parametrize("settled", [True, False])
def test_a_deep_reorganisation_is_booked_back_exactly_and_may_end_anew(book: Books, settled: bool) -> None:
    before = book(begun)
    ended = book(lambda session: post_collected(session, [(TOKENS, 4)], NOW, settled=settled))
    back = book(lambda session: post_collected_back(session, TOKENS, 4, settled, NOW))
    assert back == before
    second = Collection(**{**vars(TOKENS), "count": 2})
    assert book(lambda session: post_collected(session, [(second, 4)], NOW, settled=settled)) == ended


def test_what_never_went_out_lies_where_it_was(book: Books) -> None:
    before = book()
    assert book(begun, lambda session: post_not_collected(session, [TOKENS], NOW)) == before


def test_a_spend_to_its_own_address_books_its_fee_alone(book: Books) -> None:
    gap = Collection("gap_1", "mer_1", False, "evm", "", 0)
    done = book(
        lambda session: post_collecting(session, [gap], NOW),
        lambda session: post_collected(session, [(gap, 2)], NOW, settled=True),
    )
    assert (done["", AccountKind.DEPOSITS], done["", AccountKind.FEES]) == (7, 2)


def test_what_lies_at_deposit_addresses_is_told_by_merchant_and_asset(gateway: Gateway, book: Books) -> None:
    book(begun)
    with gateway.db.read() as session:
        assert at_deposits(session, "evm") == {"mer_1": {"usdt": 0, "": 9}}
        assert at_deposits(session, "bsc") == {}
