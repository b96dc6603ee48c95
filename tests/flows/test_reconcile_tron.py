"""Ledger and chain on TRON: no drift in an honest run, and what is moved behind our back is seen."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloudpay_devnet.tron.addresses import from_text
from cloudpay_devnet.tron.network import TronChain
from cloudpay_tron.protocol import tron_pb2 as tron
from tests.flows.counters import Counter, open_counter
from tests.flows.databases import NewDatabase
from tests.flows.test_reconcile import House
from tests.flows.tronshop import DOLLAR, TRX, begin, open_tron_shop, send_past_the_gateway

pytestmark = pytest.mark.flow

FINAL_AFTER = 4
FROZEN = 7 * TRX
"""Whole TRX alone can be staked."""


@pytest.fixture(scope="module")
def chain(tron_process: TronChain) -> TronChain:
    return begin(tron_process, FINAL_AFTER)


@pytest.fixture(scope="module")
def counter(
    tmp_path_factory: pytest.TempPathFactory, chain: TronChain, new_database: NewDatabase
) -> Iterator[Counter]:
    """A counter that collects, with TRX and USDT in its master wallet that came from outside."""
    folder: Path = tmp_path_factory.mktemp("reconcile")
    with open_tron_shop(folder, chain, new_database()) as shop:
        counter = open_counter(shop, 1_000 * TRX)
        chain.fund(counter.master, "USDT", 1_000 * DOLLAR)
        counter.till.price()
        shop.mine(FINAL_AFTER + 1)
        yield counter


@pytest.fixture
def house(counter: Counter) -> House:
    return House(counter.till)


def test_deposits_payouts_and_sweeps_leave_no_drift_at_any_block(
    counter: Counter, house: House, chain: TronChain
) -> None:
    coins, tokens = counter.shop.ask("30", "TRX"), counter.shop.ask("100", "USDT")
    chain.pay("TRX", coins.option.address, 30 * TRX)
    chain.pay("USDT", tokens.option.address, 100 * DOLLAR)
    chain.pay_through_contract(coins.option.address, 11)
    house.till.pay("TRX", 2 * TRX, "coin-1", "coin-2")
    house.till.pay("USDT", 5 * DOLLAR, "token-1")
    for _ in range(6 * FINAL_AFTER):
        counter.shop.clock.advance(timedelta(seconds=5))
        counter.work()
        assert not house.drifts(), "the sender is behind"
        chain.node.mine()
        assert not house.drifts(), "watcher and sender are behind"
    counter.finish(spends=2)
    assert house.till.statuses("coin-1", "coin-2", "token-1") == {"confirmed"}
    assert chain.balance("USDT", counter.master) == 1_095 * DOLLAR
    assert not house.drifts()
    for symbol in ("TRX", "USDT"):
        counter.agree(symbol)


def test_coins_that_are_staked_or_appear_behind_our_back_are_seen_to_the_sun(
    house: House, chain: TronChain
) -> None:
    chain.node.fund(house.master, 1)
    house.mine(FINAL_AFTER + 1)
    assert house.drifts() == {("master", "TRX"): 1}
    before = chain.balance("TRX", house.master)
    send_past_the_gateway(
        chain,
        tron.FreezeBalanceV2Contract(
            owner_address=from_text(house.master), frozen_balance=FROZEN, resource=tron.ENERGY
        ),
    )
    house.mine(FINAL_AFTER + 1)
    gone = before - chain.balance("TRX", house.master)
    assert gone >= FROZEN
    assert house.drifts() == {("master", "TRX"): 1 - gone}
