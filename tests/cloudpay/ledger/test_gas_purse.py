"""A gas station of its own is a purse beside the master wallet: neither pays what the other has promised."""

from dataclasses import replace

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.corrections import post_correction
from cloudpay.ledger.outgoing import (
    Funding,
    Outgoing,
    available,
    post_funding,
    post_funding_reversed,
    post_more_fee,
    post_reserve,
    post_reverted,
    post_settled,
    post_taken_back,
    post_void,
)
from cloudpay.ledger.pots import Place, Pot, booked
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind, InsufficientFunds
from cloudpay.testing.clock import START

CAME = Funding("evm", "0xb", "0xgas", "", 0, "mer_1", False, 50, purse=AccountKind.GAS)
TOP_UP = Outgoing(
    "swp_1:t1", "mer_1", False, "evm", "", 30, 7, goal=AccountKind.DEPOSITS, purse=AccountKind.GAS
)
HELD = {"master": 100, "gas": 50, "funding": -150}


def held(gateway: Gateway) -> dict[str, int]:
    with gateway.db.read() as session:
        found = balances(session, "mer_1", livemode=False)
    return {key.kind.value: each.held for key, each in found.items() if each.held}


@pytest.fixture
def funded(gateway: Gateway) -> Gateway:
    """A master wallet with 100, and a gas station with 50."""
    with gateway.db.transaction() as session:
        post_funding(session, replace(CAME, tx_id="0xa", amount=100, purse=AccountKind.MASTER), START)
        post_funding(session, CAME, START)
    return gateway


def test_what_came_to_a_gas_station_can_be_paid_out_by_nothing(funded: Gateway) -> None:
    assert held(funded) == HELD
    with funded.db.read() as session:
        assert available(session, "mer_1", False, "evm", "") == 100
        assert available(session, "mer_1", False, "evm", "", AccountKind.GAS) == 50
    payout = Outgoing("po_1", "mer_1", False, "evm", "", 101, 0)
    with pytest.raises(InsufficientFunds), funded.db.transaction() as session:
        post_reserve(session, payout, START)


def test_a_top_up_and_its_fee_are_paid_by_the_gas_station_alone(funded: Gateway) -> None:
    with funded.db.transaction() as session:
        post_reserve(session, TOP_UP, START)
    assert held(funded) == {**HELD, "gas": 13, "gas_reserved": 37}
    with funded.db.transaction() as session:
        post_more_fee(session, TOP_UP, 3, 10, START)
        post_settled(session, replace(TOP_UP, fee_reserved=10), 4, START)
    after = {"master": 100, "gas": 16, "deposits": 30, "fees": 4, "funding": -150}
    assert held(funded) == after
    with funded.db.transaction() as session:
        post_taken_back(session, replace(TOP_UP, fee_reserved=10), 4, True, START)
    assert held(funded) == {**HELD, "gas": 10, "gas_reserved": 40}
    assert check(funded) == []


def test_a_top_up_that_reverted_or_never_went_out_leaves_the_rest_at_the_gas_station(funded: Gateway) -> None:
    with funded.db.transaction() as session:
        post_reserve(session, TOP_UP, START)
        post_reverted(
            session, TOP_UP, 9, START
        )  # more than was promised, which the chain has taken all the same
    assert held(funded) == {"master": 100, "gas": 41, "fees": 9, "funding": -150}
    other = replace(TOP_UP, spend_id="swp_2:t1")
    with funded.db.transaction() as session:
        post_reserve(session, other, START)
        post_void(session, other, START)
    assert held(funded) == {"master": 100, "gas": 41, "fees": 9, "funding": -150}


def test_a_gas_station_that_holds_too_little_takes_nothing_from_the_master_wallet(funded: Gateway) -> None:
    with pytest.raises(InsufficientFunds), funded.db.transaction() as session:
        post_reserve(session, replace(TOP_UP, amount=44), START)
    assert held(funded) == HELD
    with funded.db.transaction() as session:
        post_reserve(session, TOP_UP, START)
    with pytest.raises(InsufficientFunds), funded.db.transaction() as session:
        post_more_fee(session, TOP_UP, 14, 21, START)


def test_its_pot_has_what_is_free_and_what_is_promised_and_is_corrected_by_itself(funded: Gateway) -> None:
    pot = Pot("mer_1", False, "", Place.GAS_STATION)
    with funded.db.transaction() as session:
        post_reserve(session, TOP_UP, START)
    with funded.db.snapshot() as session:
        assert booked(session, "evm") == {pot: 50, replace(pot, place=Place.MASTER): 100}
    with funded.db.transaction() as session:
        post_correction(session, "evm", 9, pot, -2, START)
        post_funding_reversed(session, CAME, START)
    with funded.db.snapshot() as session:
        assert booked(session, "evm") == {pot: -2, replace(pot, place=Place.MASTER): 100}
