"""Deposit addresses on TRON are collected, whatever the node does meanwhile: once, and booked to the sun."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cloudpay_devnet.tron.network import TronChain
from tests.flows.counters import TURNS, Counter, open_counter
from tests.flows.databases import NewDatabase
from tests.flows.running import wait_for
from tests.flows.tronshop import BROADCASTS, DOLLAR, TRX, answers, begin, open_tron_shop

pytestmark = pytest.mark.flow


@pytest.fixture
def chain(tron_process: TronChain) -> TronChain:
    """A chain of its own, since its prices and its clock are changed."""
    return begin(tron_process)


@pytest.fixture
def counter(tmp_path: Path, chain: TronChain, new_database: NewDatabase) -> Iterator[Counter]:
    """A counter with a thousand TRX in its master wallet."""
    with open_tron_shop(tmp_path, chain, new_database()) as shop:
        yield open_counter(shop, 1_000 * TRX)


def until_signed(counter: Counter, kind: str) -> str:
    """Go on until a spend of a kind is signed and in no block yet; answer its transaction."""
    for _ in range(TURNS):
        counter.shop.clock.advance(timedelta(seconds=5))
        counter.work()
        signed = [each.tx_id for each in counter.spends(kind) if each.status in ("sending", "sent")]
        if signed:
            assert signed[0]
            return signed[0]
        counter.shop.mine(3)
    raise AssertionError([(each.kind, each.status, each.reason) for each in counter.spends()])


def test_coins_and_tokens_reach_the_master_wallet_and_every_sun_is_booked(counter: Counter) -> None:
    counter.paid("TRX", 30 * TRX)
    tokens = counter.paid("USDT", 100 * DOLLAR)
    counter.finish(spends=2)
    chain = counter.shop.chain
    assert chain.balance("USDT", counter.master) == 100 * DOLLAR
    [top_up] = counter.spends("top_up")
    [sweep] = [each for each in counter.spends("sweep") if each.asset]
    left = chain.balance("TRX", tokens.option.address)
    assert left == top_up.amount - (sweep.fee or 0)
    for symbol in ("TRX", "USDT"):
        counter.agree(symbol)


def test_f74_a_sweep_whose_top_up_is_under_way_while_the_node_fails_gets_one_top_up_and_moves_once(
    counter: Counter, chain: TronChain
) -> None:
    invoice = counter.paid("USDT", 100 * DOLLAR)
    chain.node.fault("deaf", BROADCASTS)
    until_signed(counter, "top_up")
    chain.node.fault("hang_up")
    for _ in range(3):
        assert not answers(lambda: counter.till.sender.work(look=True))
    chain.node.heal()
    wait_for("the node", lambda: answers(counter.work))  # it rests when it has failed
    counter.finish(spends=1)
    assert len(counter.spends("top_up")) == 1
    assert len(counter.till.attempts()) == 2, "one top-up and one sweep were signed"
    assert chain.balance("USDT", invoice.option.address) == 0
    assert chain.balance("USDT", counter.master) == 100 * DOLLAR
    for symbol in ("TRX", "USDT"):
        counter.agree(symbol)


def test_f71_a_sweep_whose_energy_turns_out_too_little_books_what_it_burned_and_is_planned_anew(
    counter: Counter, chain: TronChain
) -> None:
    invoice = counter.paid("USDT", 100 * DOLLAR)
    tx_id = until_signed(counter, "sweep")
    chain.node.control("parameters", energy_fee=210)
    chain.node.mine(3)
    receipt = chain.receipt(tx_id) or {}
    assert receipt["receipt"]["result"] == "OUT_OF_ENERGY"
    counter.work()
    [failed] = counter.spends("sweep")
    assert (failed.status, failed.fee) == ("failed", receipt["fee"])
    assert chain.balance("USDT", invoice.option.address) == 100 * DOLLAR
    counter.agree("TRX")
    counter.agree("USDT")
    for _ in range(TURNS):
        counter.shop.clock.advance(
            timedelta(hours=1)
        )  # by then what the chain did not carry out is tried again
        counter.turn()
    assert [each.status for each in counter.spends("sweep")] == ["failed", "confirmed"]
    assert chain.balance("USDT", counter.master) == 100 * DOLLAR
    counter.agree("TRX")
    counter.agree("USDT")


def test_f70_a_sweep_that_no_node_kept_is_signed_anew_only_once_it_has_expired_on_the_solid_chain(
    counter: Counter, chain: TronChain
) -> None:
    counter.paid("USDT", 100 * DOLLAR)
    until_signed(counter, "top_up")
    counter.shop.mine()
    chain.node.fault("lost", BROADCASTS)
    first = until_signed(counter, "sweep")
    signed = counter.till.attempts()
    assert signed[-1] == first
    chain.node.mine(3)
    counter.till.sender.work(look=True)
    chain.node.pass_time(603)
    for _ in range(2):
        counter.till.sender.work(look=True)
    assert counter.till.attempts() == signed, "it has expired at the head, and not on the solid chain"
    chain.node.heal()
    chain.node.mine(3)
    counter.finish(spends=1)
    assert len(counter.till.attempts()) == len(signed) + 1
    assert chain.receipt(first) is None
    assert chain.balance("USDT", counter.master) == 100 * DOLLAR
    for symbol in ("TRX", "USDT"):
        counter.agree(symbol)
