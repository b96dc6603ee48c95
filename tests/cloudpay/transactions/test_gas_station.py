"""A gas station of its own fuels deposit addresses, and neither itself nor the master wallet."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.spending import FeeTier, KeyPath, Prepared, Spend, SpendContext
from cloudpay.ledger.outgoing import Funding, available, post_funding
from cloudpay.ledger.types import AccountKind
from cloudpay.testing import fake_address
from cloudpay.transactions.bookings import book_requests
from cloudpay.transactions.models import SpendRow
from cloudpay.transactions.service import request_spends
from cloudpay.transactions.types import SpendKind, SpendRequest
from cloudpay.wallets.gas import GasStation, gas_station
from cloudpay.wallets.gas_choice import set_gas_station
from cloudpay.wallets.models import DepositAddressRow
from cloudpay.wallets.service import PlannedAddress, account_key, assign
from tests.cloudpay.transactions.desk import FUNDS, Desk

PATH = KeyPath(0, 0, 7)
FUEL, TOKEN_FEE, PLAIN_FEE = 10_000, 60, 20


@pytest.fixture
def usdt(desk: Desk) -> str:
    """The contract of a listed token."""
    return desk.network.asset("USDT").key


@pytest.fixture
def deposit(desk: Desk, usdt: str) -> str:
    """An address of ours that holds tokens, and nothing to pay a fee with."""
    xpub = account_key(desk.gateway, desk.network.key_family.name, PATH.account)
    address = desk.network.addresses.derive(xpub, PATH.chain, PATH.index)
    planned = PlannedAddress(desk.network.key_family.name, PATH.account, PATH.chain, PATH.index, address)
    mine = desk.master.merchant_id

    def keep(session: Session) -> None:
        given = assign(planned, mine, "INV-1", livemode=False, now=desk.clock.now(session))
        session.add(DepositAddressRow(**vars(given)))

    desk.gateway.db.run(keep)
    desk.chain.fund(address, 1000, usdt)
    return address


@pytest.fixture
def own(desk: Desk) -> GasStation:
    """A gas station of its own with money in it, on the chain and in the books."""
    set_gas_station(desk.gateway, desk.master.merchant_id, "evm", own=True, actor="cli:test")
    with desk.gateway.db.read() as session:
        station = gas_station(session, desk.network, desk.master.merchant_id, 0)
    fuel(desk, station)
    return station


def fuel(desk: Desk, station: GasStation) -> None:
    desk.chain.fund(station.address, FUEL)
    came = Funding("evm", "0xfuel", station.address, "", 0, desk.master.merchant_id, False, FUEL)
    came = replace(came, purse=AccountKind.GAS)
    desk.gateway.db.run(lambda session: post_funding(session, came, desk.clock.now(session)))


def sweep(desk: Desk, deposit: str, usdt: str) -> None:
    """Ask for all tokens of an address to be brought to the master wallet."""
    request = SpendRequest(
        "s1", SpendKind.SWEEP, desk.master.merchant_id, False, "evm", deposit, PATH, desk.master.address, usdt, 1000,
        FeeTier.MEDIUM, 0,
    )  # fmt: skip
    desk.gateway.db.run(lambda session: request_spends(session, desk.gateway, [request]))


def free(desk: Desk) -> int:
    """Answer what is booked as free at the gas station of its own."""
    with desk.gateway.db.read() as session:
        return available(session, desk.master.merchant_id, False, "evm", "", AccountKind.GAS)


def send(desk: Desk, own: GasStation, recipient: str, kind: SpendKind = SpendKind.HOME) -> None:
    """Have a spend out of the gas station be asked for, as a stolen database might."""
    request = SpendRequest(
        "h1", kind, desk.master.merchant_id, False, "evm", own.address, own.path, recipient, "", 500,
        FeeTier.MEDIUM, PLAIN_FEE,
    )  # fmt: skip

    def work(session: Session) -> None:
        book_requests(session, [request], desk.clock.now(session))
        request_spends(session, desk.gateway, [request])

    desk.gateway.db.run(work)


def test_a_top_up_leaves_the_chosen_address_which_pays_its_fee(
    desk: Desk, own: GasStation, deposit: str, usdt: str
) -> None:
    sweep(desk, deposit, usdt)
    desk.work(2)
    assert desk.statuses("s1", "s1:t1") == ["queued", "sent"]
    desk.confirm()
    desk.work()
    desk.confirm()
    assert desk.statuses("s1", "s1:t1") == ["confirmed", "confirmed"]
    assert desk.chain.spendable(own.address) == free(desk) == FUEL - TOKEN_FEE - PLAIN_FEE
    assert desk.chain.spendable(desk.master.address) == FUNDS
    assert desk.books() == (FUNDS, 0)


def test_a_plugin_is_told_that_the_master_wallet_is_ours_whoever_fuels(
    desk: Desk, own: GasStation, deposit: str, usdt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a transfer to it takes is known; for a stranger's address a plugin has to reckon with the most."""
    prepare, told = desk.chain.prepare, list[SpendContext]()

    def prepared(spends: Sequence[Spend], context: SpendContext) -> Prepared:
        told.append(context)
        return prepare(spends, context)

    monkeypatch.setattr(desk.chain, "prepare", prepared)
    sweep(desk, deposit, usdt)
    desk.work()
    assert told[0].gas_station == own.address
    assert told[0].keys == {deposit: PATH, own.address: own.path, desk.master.address: desk.master.path}


def test_an_empty_one_has_the_sweep_taken_back_and_the_master_wallet_pays_nothing(
    desk: Desk, deposit: str, usdt: str
) -> None:
    set_gas_station(desk.gateway, desk.master.merchant_id, "evm", own=True, actor="cli:test")
    sweep(desk, deposit, usdt)
    desk.work(2)
    assert desk.statuses("s1") == ["cancelled"]
    assert "gas station holds too little" in desk.view("s1").reason
    assert desk.books() == (FUNDS, 0)


def test_a_payout_of_tokens_without_native_coins_waits_and_is_never_topped_up(
    desk: Desk, own: GasStation, usdt: str
) -> None:
    desk.fund(1000, usdt)
    desk.chain.fund(desk.master.address, -FUNDS)
    desk.pay("p1", amount=10, asset=usdt)
    desk.work(3, after=10)
    assert desk.statuses("p1") == ["queued"]
    with desk.gateway.db.read() as session:
        assert session.scalars(select(SpendRow.id)).all() == ["p1"]
    desk.chain.fund(desk.master.address, FUNDS)
    desk.work(1, after=60)
    desk.confirm()
    assert desk.statuses("p1") == ["confirmed"]
    assert desk.chain.spendable(own.address) == FUEL


def test_a_gas_station_without_coins_waits_for_them_and_asks_nobody(desk: Desk, own: GasStation) -> None:
    desk.chain.fund(own.address, -FUEL)
    send(desk, own, desk.master.address)
    desk.work(1)
    assert desk.statuses("h1") == ["queued"]
    with desk.gateway.db.read() as session:
        assert session.scalars(select(SpendRow.id)).all() == ["h1"]


def test_a_choice_that_changes_between_draft_and_top_up_sends_it_from_where_it_was_drafted(
    desk: Desk, own: GasStation, deposit: str, usdt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = desk.chain.prepare

    def prepared(spends: Sequence[Spend], context: SpendContext) -> Prepared:
        found = prepare(spends, context)
        set_gas_station(desk.gateway, desk.master.merchant_id, "evm", own=False, actor="cli:test")
        return found

    monkeypatch.setattr(desk.chain, "prepare", prepared)
    sweep(desk, deposit, usdt)
    desk.work(2)
    monkeypatch.undo()
    with desk.gateway.db.read() as session:
        top_up = session.get_one(SpendRow, "s1:t1")
    assert (top_up.source, KeyPath(top_up.account, top_up.chain, top_up.index)) == (own.address, own.path)
    desk.confirm()
    desk.work()
    desk.confirm()
    assert desk.statuses("s1", "s1:t1") == ["confirmed", "confirmed"]
    assert desk.books() == (FUNDS, 0)


def test_what_is_sent_ahead_once_more_after_a_change_comes_from_whoever_fuels_now(
    desk: Desk, own: GasStation, deposit: str, usdt: str
) -> None:
    sweep(desk, deposit, usdt)
    desk.work(2)
    set_gas_station(desk.gateway, desk.master.merchant_id, "evm", own=False, actor="cli:test")
    desk.chain.prices = {tier: 2 * price for tier, price in desk.chain.prices.items()}
    desk.confirm()
    desk.work(2)
    assert desk.statuses("s1", "s1:t1", "s1:t1.2") == ["queued", "confirmed", "sent"]
    with desk.gateway.db.read() as session:
        sources = [session.get_one(SpendRow, each).source for each in ("s1:t1", "s1:t1.2")]
    assert sources == [own.address, desk.master.address]
    desk.confirm()
    desk.work()
    desk.confirm()
    assert desk.statuses("s1", "s1:t1.2") == ["confirmed", "confirmed"]
    assert desk.chain.spendable(own.address) == free(desk) == FUEL - TOKEN_FEE - PLAIN_FEE
    assert desk.books() == (desk.chain.spendable(desk.master.address), 0)
    assert desk.books() == (FUNDS - TOKEN_FEE - 2 * PLAIN_FEE, 0)


@pytest.mark.parametrize("kind", [SpendKind.HOME, SpendKind.TOP_UP, SpendKind.PAYOUT])
def test_a_spend_out_of_it_to_a_stranger_is_held_and_never_signed(
    desk: Desk, own: GasStation, kind: SpendKind
) -> None:
    send(desk, own, fake_address("a thief"), kind)
    desk.work(2, after=70)
    assert desk.statuses("h1") == ["queued"]
    assert "its merchant's own addresses alone" in desk.view("h1").reason
    assert desk.attempts() == []


def test_what_goes_home_and_whose_fee_is_no_longer_covered_is_taken_back(desk: Desk, own: GasStation) -> None:
    """It has all that is free promised to it: if it waited, nothing could ever fuel from there again."""
    desk.chain.fund(own.address, 50)  # has just come, and is in no book yet: the chain would carry it out
    request = SpendRequest(
        "h1", SpendKind.HOME, desk.master.merchant_id, False, "evm", own.address, own.path, desk.master.address, "",
        FUEL - 5, FeeTier.MEDIUM, 5,
    )  # fmt: skip
    desk.gateway.db.run(lambda session: book_requests(session, [request], desk.clock.now(session)))
    desk.gateway.db.run(lambda session: request_spends(session, desk.gateway, [request]))
    assert free(desk) == 0
    desk.work()
    assert desk.statuses("h1") == ["cancelled"]
    assert "fee cannot be paid now" in desk.view("h1").reason
    assert (free(desk), desk.attempts()) == (FUEL, [])


def test_a_hole_in_its_sequence_is_filled_by_itself_and_only_the_fee_leaves(
    desk: Desk, own: GasStation
) -> None:
    send(desk, own, own.address, SpendKind.GAP)
    desk.work()
    desk.confirm()
    assert desk.statuses("h1") == ["confirmed"]
    assert desk.chain.spendable(own.address) == free(desk) == FUEL - PLAIN_FEE
    assert desk.books() == (FUNDS, 0)
