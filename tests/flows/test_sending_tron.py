"""Payouts on TRON: transactions that expire instead of being outbid, fees that are burned, books that agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.ledger.outgoing import available, reserved
from cloudpay_devnet.tron.network import TronChain
from tests.conformance.tron_bank import Bank
from tests.flows.databases import NewDatabase
from tests.flows.running import wait_for
from tests.flows.tills import Till, open_till
from tests.flows.tronshop import BROADCASTS, DOLLAR, TRX, answers, begin, open_tron_shop

pytestmark = pytest.mark.flow

LAG = 19


@pytest.fixture
def chain(tron_process: TronChain) -> TronChain:
    """A chain whose solid block is as far behind as the main net's."""
    return begin(tron_process, LAG)


@pytest.fixture
def till(tmp_path: Path, chain: TronChain, new_database: NewDatabase) -> Iterator[Till]:
    """A till with TRX and USDT."""
    with open_tron_shop(tmp_path, chain, new_database()) as shop:
        made = open_till(shop)
        made.fund("TRX", 5_000 * TRX)
        made.fund("USDT", 1_000 * DOLLAR)
        chain.node.mine()
        made.price()
        yield made


def test_f71_payouts_in_trx_and_tokens_reach_everybody_and_the_books_agree(till: Till) -> None:
    trx = till.pay("TRX", 2 * TRX, *(f"trx-{number}" for number in range(5)))
    usdt = till.pay("USDT", 3 * DOLLAR, *(f"usdt-{number}" for number in range(5)))
    while till.sender.work():
        pass
    till.shop.chain.node.mine(LAG + 1)
    till.sender.work(look=True)
    assert till.statuses(*trx, *usdt) == {"confirmed"}
    assert {till.shop.chain.balance("TRX", each) for each in trx.values()} == {2 * TRX}
    assert {till.shop.chain.balance("USDT", each) for each in usdt.values()} == {3 * DOLLAR}
    till.hold_books()


def test_f70_what_no_node_kept_goes_out_anew_once_it_has_expired_on_the_solid_chain(
    till: Till, chain: TronChain
) -> None:
    chain.node.fault("lost")
    [(name, to)] = till.pay("TRX", 2 * TRX, "lost").items()
    till.sender.work(look=True)
    chain.node.mine(LAG + 1)
    till.sender.work(look=True)
    [first] = till.attempts()
    assert till.statuses(name) == {"sent"}, "unknown is not failed"
    chain.node.pass_time(603)
    till.sender.work(look=True)
    assert till.attempts() == [first], "it has expired at the head, and not on the solid chain"
    chain.node.mine(LAG + 1)
    chain.node.heal()
    till.sender.work(look=True)
    assert till.attempts() == [first], "one final block shows it absent"
    chain.node.mine()
    till.sender.work(look=True)
    till.sender.work(look=True)
    assert len(till.attempts()) == 2 and till.attempts()[0] == first
    chain.node.mine(LAG + 1)
    till.sender.work(look=True)
    assert till.statuses(name) == {"confirmed"}
    assert chain.balance("TRX", to) == 2 * TRX, "paid once"
    till.hold_books()


def test_f70_what_expired_while_it_was_in_a_block_is_not_sent_anew_though_a_fork_drops_it(
    till: Till, chain: TronChain
) -> None:
    [(name, to)] = till.pay("TRX", 2 * TRX, "forked").items()
    till.sender.work(look=True)
    chain.node.mine(2)
    till.sender.work(look=True)
    chain.node.pass_time(603)
    till.sender.work(look=True)
    chain.node.fork(3, lose=True)
    till.sender.work(look=True)
    [first] = till.attempts()
    assert till.statuses(name) == {"sent"}, "a block of before its time may yet have it"
    chain.node.pass_time(603)
    for blocks in (LAG + 1, 1, LAG + 1):  # two final blocks without it, and one with what was sent anew
        chain.node.mine(blocks)
        till.sender.work(look=True)
        till.sender.work(look=True)
    assert till.statuses(name) == {"confirmed"}
    assert till.attempts()[0] == first and len(till.attempts()) == 2
    assert chain.balance("TRX", to) == 2 * TRX, "paid once"
    till.hold_books()


@pytest.mark.parametrize("fault", ["deaf", "busy", "lost", "hang_up", "cut"])
def test_f52_f53_whatever_a_node_says_to_a_payout_it_is_paid_once_by_the_same_bytes(
    till: Till, chain: TronChain, fault: str
) -> None:
    chain.node.fault(fault, BROADCASTS, times=2)
    paid = till.pay("TRX", 2 * TRX, "coin") | till.pay("USDT", 3 * DOLLAR, "token")
    for _ in range(4):
        wait_for(
            "the node", lambda: answers(lambda: till.sender.work(look=True))
        )  # it rests when it has failed
        chain.node.mine()
    signed = till.attempts()
    chain.node.mine(LAG + 1)
    till.sender.work(look=True)
    assert till.statuses("coin", "token") == {"confirmed"}
    assert till.attempts() == signed and len(signed) == 2
    assert chain.balance("TRX", paid["coin"]) == 2 * TRX
    assert chain.balance("USDT", paid["token"]) == 3 * DOLLAR
    till.hold_books()


def test_f71_a_payout_whose_energy_turns_out_too_little_fails_and_what_it_burned_is_booked(
    till: Till, chain: TronChain
) -> None:
    [(name, to)] = till.pay("USDT", 3 * DOLLAR, "dear").items()
    till.sender.work(look=True)
    chain.node.control("parameters", energy_fee=2_000)  # what it was signed for buys a twentieth now
    chain.node.mine(LAG + 1)
    till.sender.work(look=True)
    [tx_id] = till.attempts()
    receipt = chain.receipt(tx_id) or {}
    assert receipt["receipt"]["result"] == "OUT_OF_ENERGY" and receipt["fee"] > 10 * TRX
    assert till.statuses(name) == {"failed"}
    assert chain.balance("USDT", to) == 0
    till.hold_books()


def test_a_final_payout_that_a_fork_below_the_solid_block_takes_back_is_sent_again_as_the_same_bytes(
    till: Till, chain: TronChain
) -> None:
    chain.node.mine(LAG)  # what funded the wallet stays
    [(name, to)] = till.pay("TRX", 2 * TRX, "deep").items()
    till.sender.work(look=True)
    chain.node.mine(LAG + 1)
    till.sender.work(look=True)
    assert till.statuses(name) == {"confirmed"}
    chain.node.fork(LAG + 2, lose=True)
    assert chain.balance("TRX", to) == 0
    chain.node.mine(LAG)
    till.sender.work(look=True)
    till.sender.work(look=True)
    assert till.statuses(name) == {"sent"}
    chain.node.mine(LAG + 1)
    till.sender.work(look=True)
    assert till.statuses(name) == {"confirmed"}
    assert len(till.attempts()) == 1
    assert chain.balance("TRX", to) == 2 * TRX
    till.hold_books()


@pytest.mark.parametrize("taken_back", [False, True], ids=["there", "gone when the block comes"])
def test_energy_of_the_master_wallet_pays_for_payouts_and_what_was_not_burned_is_free_again(
    till: Till, chain: TronChain, taken_back: bool
) -> None:
    bank, native = Bank(chain.node), (till.master.merchant_id, False, "tron", "")
    stake = bank.lend(till.master.address, 1_000_000)
    with till.shop.gateway.db.read() as session:
        before = available(session, *native)
    paid = till.pay("USDT", 3 * DOLLAR, "first", "second")
    if taken_back:
        chain.node.fault("lost")
    till.sender.work(look=True)
    with till.shop.gateway.db.read() as session:
        assert reserved(session, *native) > 2 * 13 * TRX, "what both could burn, whatever is lent now"
    if taken_back:
        chain.node.heal()
        bank.take(till.master.address, stake)
        till.sender.work(look=True)
    chain.node.mine(LAG + 1)
    till.sender.work(look=True)
    assert till.statuses(*paid) == {"confirmed"}
    assert {chain.balance("USDT", each) for each in paid.values()} == {3 * DOLLAR}
    with till.shop.gateway.db.read() as session:
        cost = before - available(session, *native)
        assert reserved(session, *native) == 0
    assert cost >= 0 and (cost > 2 * TRX) is taken_back, "bytes alone cost less than one TRX"
    till.hold_books()


def test_f70_what_a_block_holds_is_not_sent_anew_because_a_node_has_forgotten_it(
    till: Till, chain: TronChain
) -> None:
    [(name, to)] = till.pay("TRX", 2 * TRX, "kept").items()
    till.sender.work(look=True)
    chain.node.mine(LAG + 6)
    chain.node.pass_time(700)
    chain.node.mine(LAG + 2)
    chain.node.fault("empty", "*/gettransactioninfobyid")
    for _ in range(4):
        till.sender.work(look=True)
        chain.node.mine(10)
    assert len(till.attempts()) == 1, "it was signed anew"
    chain.node.heal()
    till.sender.work(look=True)
    assert till.statuses(name) == {"confirmed"}
    assert chain.balance("TRX", to) == 2 * TRX, "paid once"
    till.hold_books()


def test_a_node_that_is_too_slow_to_try_a_transfer_fails_no_payout(till: Till, chain: TronChain) -> None:
    [name] = till.pay("USDT", 3 * DOLLAR, "slow")
    chain.node.fault("out_of_time", "*/wallet/triggerconstantcontract", times=1)
    with pytest.raises(NodeUnavailable, match="OutOfTime"):
        till.sender.work(look=True)
    assert till.statuses(name) == {"queued"}
