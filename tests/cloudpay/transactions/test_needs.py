"""What a spend needs is sent before it, once: native coins for an address that holds tokens alone."""

import pytest

from cloudpay.chains.spending import FeeTier, KeyPath
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.transactions.service import request_spends, spends, want_quotes
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.service import account_key
from tests.cloudpay.transactions.desk import FUNDS, Desk
from tests.cloudpay.transactions.kills import killed

PATH = KeyPath(0, 0, 7)
FEE = 60  # of a token's transfer on the fake chain


@pytest.fixture
def usdt(desk: Desk) -> str:
    """The contract of a listed token."""
    return desk.network.asset("USDT").key


@pytest.fixture
def deposit(desk: Desk, usdt: str) -> str:
    """An address of ours that holds tokens, and nothing to pay a fee with."""
    xpub = account_key(desk.gateway, desk.network.key_family.name, PATH.account)
    address = desk.network.addresses.derive(xpub, PATH.chain, PATH.index)
    desk.chain.fund(address, 1000, usdt)
    return address


def sweep(desk: Desk, deposit: str, usdt: str) -> None:
    """Ask for all tokens of an address to be brought to the master wallet."""
    request = SpendRequest(
        "s1", SpendKind.SWEEP, desk.master.merchant_id, False, "evm", deposit, PATH, desk.master.address, usdt, 1000,
        FeeTier.MEDIUM, 0,
    )  # fmt: skip
    desk.gateway.db.run(lambda session: request_spends(session, desk.gateway, [request]))


def test_a_token_s_sender_without_native_coins_gets_them_first(desk: Desk, deposit: str, usdt: str) -> None:
    sweep(desk, deposit, usdt)
    desk.work(2)
    assert desk.statuses("s1", "s1:t1") == ["queued", "sent"]
    assert desk.view("s1").reason
    desk.confirm()
    desk.work()
    assert desk.statuses("s1", "s1:t1") == ["sent", "confirmed"]
    desk.confirm()
    assert desk.statuses("s1") == ["confirmed"]
    assert desk.chain.spendable(desk.master.address, usdt) == 1000
    assert desk.chain.spendable(desk.master.address) == FUNDS - FEE - 20
    assert desk.books() == (FUNDS - FEE - 20, 0)


def test_a_top_up_and_its_fee_are_reserved_before_they_are_signed(
    desk: Desk, deposit: str, usdt: str
) -> None:
    desk.gateway.db.run(lambda session: want_quotes(session, desk.gateway, "evm"))
    desk.work()
    sweep(desk, deposit, usdt)
    desk.work()
    assert desk.statuses("s1:t1") == ["queued"]
    assert desk.books() == (FUNDS - FEE - 20, FEE + 20)


def test_where_the_gas_station_is_empty_the_sweep_is_taken_back_and_no_top_up_is_asked_for(
    desk: Desk, deposit: str, usdt: str
) -> None:
    desk.pay("all", amount=FUNDS - 20)
    sweep(desk, deposit, usdt)
    desk.work(2)
    assert desk.statuses("s1") == ["cancelled"]
    assert "gas station holds too little" in desk.view("s1").reason
    with desk.gateway.db.read() as session:
        assert "s1:t1" not in spends(session, ["s1:t1"])


@pytest.mark.parametrize(
    "place", [Failpoint.SEND_WRITTEN, Failpoint.SEND_COMMITTED, Failpoint.SEND_BROADCAST]
)
def test_f74_a_crash_between_a_top_up_and_what_needs_it_makes_no_second_one(
    desk: Desk, deposit: str, usdt: str, place: Failpoint
) -> None:
    sweep(desk, deposit, usdt)
    desk.work()
    killed(desk, place)
    desk.work(2)
    desk.confirm()
    desk.work()
    desk.confirm()
    assert desk.statuses("s1", "s1:t1") == ["confirmed", "confirmed"]
    assert len(desk.transactions()) == 2
    assert desk.chain.spendable(desk.master.address) == FUNDS - FEE - 20


def test_a_top_up_that_no_longer_suffices_is_followed_by_another(desk: Desk, deposit: str, usdt: str) -> None:
    sweep(desk, deposit, usdt)
    desk.work(2)
    desk.chain.prices = {tier: 2 * price for tier, price in desk.chain.prices.items()}
    desk.confirm()
    desk.work(2)
    assert desk.statuses("s1", "s1:t1", "s1:t1.2") == ["queued", "confirmed", "sent"]
    desk.confirm()
    desk.work()
    desk.confirm()
    assert desk.statuses("s1") == ["confirmed"]


def test_a_top_up_that_failed_is_not_asked_for_again(desk: Desk, deposit: str, usdt: str) -> None:
    desk.chain.refusing = {deposit}
    sweep(desk, deposit, usdt)
    for _ in range(6):
        desk.work(2, after=10)
    assert desk.statuses("s1", "s1:t1") == ["cancelled", "failed"]
    assert desk.books() == (FUNDS, 0)
    assert desk.transactions() == []
