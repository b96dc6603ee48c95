"""Where nobody moved anything past the gateway, the ledger agrees with the chain at every moment, to the base unit."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import pytest

from cloudpay.chains.types import BlockRef, Capability, Holding
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.ledger.pots import Place
from cloudpay.payments.networks import resume
from cloudpay.testing import fake_address
from tests.cloudpay.reconciliation.house import ETHER, House


def test_payments_payouts_and_money_from_outside_agree_at_every_block_of_their_way(house: House) -> None:
    house.fund()
    house.fund(5_000_000, house.usdt)
    coins, tokens = house.shop.ask("1", "ETH"), house.shop.ask("3", "USDT")
    house.shop.pay(coins)
    house.shop.pay(tokens)
    house.desk.pay("coin", amount=700)
    house.desk.pay("token", amount=900, asset=house.usdt)
    house.desk.work()
    for _ in range(7):
        assert not house.drifts()
        house.mine()
    assert house.desk.statuses("coin", "token") == ["confirmed"] * 2
    found = {(each.pot.place, each.pot.asset): each.chain for each in house.compare().pots}
    assert found[Place.DEPOSITS, ""] == ETHER
    assert found[Place.DEPOSITS, house.usdt] == 3_000_000
    assert found[Place.MASTER, house.usdt] == 5_000_000 - 900


def test_the_fee_of_a_payout_that_reverted_is_booked_and_its_amount_is_not(house: House) -> None:
    house.fund()
    house.chain.refusing.add(fake_address("a contract that takes nothing"))
    house.desk.pay("p1", amount=500, recipient=fake_address("a contract that takes nothing"))
    house.desk.work()
    for _ in range(6):
        house.mine()
        assert not house.drifts()
    assert house.desk.statuses("p1") == ["failed"]


def test_payouts_that_are_final_and_not_booked_are_pending(house: House) -> None:
    house.fund()
    house.desk.pay("p1", amount=500)
    house.desk.work()
    house.shop.mine(5)  # the watcher has come there, and whoever sends has not looked since
    found = house.compare()
    [line] = [each for each in found.pots if each.pot.place is Place.MASTER and not each.pot.asset]
    assert not found.drifts
    assert (line.ledger, line.pending) == (ETHER, -500 - 20)


def test_payouts_that_are_booked_ahead_of_the_watcher_are_taken_back_for_the_comparison(house: House) -> None:
    house.fund()
    house.desk.pay("p1", amount=500)
    house.desk.work()
    house.desk.confirm()  # the watcher has not come there yet
    assert house.desk.statuses("p1") == ["confirmed"]
    found = house.compare()
    assert not found.drifts
    [line] = [each for each in found.pots if each.pot.place is Place.MASTER and not each.pot.asset]
    assert (line.ledger, line.pending) == (ETHER - 520, 520)


def test_a_payout_that_was_bumped_counts_with_the_attempt_that_is_in_the_block(house: House) -> None:
    house.fund()
    house.chain.floor = 25
    house.desk.pay("p1", amount=500, fee=100)
    house.desk.work()
    house.desk.work(after=100)
    assert len(house.desk.attempts()) > 1
    for _ in range(6):
        house.shop.mine()
        assert not house.drifts()
    house.mine()
    assert house.desk.statuses("p1") == ["confirmed"]
    assert not house.drifts()


def test_payments_to_expired_invoices_overpaid_ones_and_dust_are_booked_like_any(house: House) -> None:
    late, over = house.shop.ask("10", "USDT"), house.shop.ask("10", "USDT")
    house.shop.pay(over, 25_000_000)
    house.shop.pay(over, 1)
    house.mine(4)
    house.desk.clock.advance(timedelta(hours=2))
    house.mine()
    assert house.shop.state(late).status is InvoiceStatus.EXPIRED
    house.shop.pay(late)
    house.mine(4)
    assert not house.drifts()


def test_tokens_that_are_not_listed_belong_to_neither_side(house: House) -> None:
    invoice = house.shop.ask("10", "USDT")
    house.shop.pay(invoice)
    house.shop.pay(invoice, 7, contract="0xnot listed")
    house.chain.send(house.master, 9, "0xnot listed")
    house.mine(4)
    assert not house.drifts()


@pytest.mark.parametrize("traced", [True, False])
def test_native_money_that_a_contract_sent_agrees_however_it_was_found(house: House, traced: bool) -> None:
    if not traced:
        house.chain.capabilities &= ~Capability.TRACES
    invoice = house.shop.ask("1", "ETH")
    house.chain.send(invoice.option.address, ETHER, via_contract=True)
    for _ in range(6):
        house.mine()
        assert not house.drifts()
    house.chain.capabilities |= Capability.TRACES
    house.shop.rescan(1, house.chain.height)
    for _ in range(4):
        house.mine()
        assert not house.drifts()
    assert house.shop.held() == ETHER


def test_a_reorganisation_takes_nothing_out_of_step(house: House) -> None:
    house.fund()
    gone = house.chain.send(house.master, 77)
    invoice = house.shop.ask("1", "ETH")
    house.shop.pay(invoice)
    house.desk.pay("p1", amount=500)
    house.desk.work()
    house.mine(2)
    house.chain.reorg(2, drop=[gone])
    for _ in range(6):
        house.shop.look()
        assert not house.drifts()
        house.mine()
    assert house.desk.statuses("p1") == ["confirmed"]


def test_f31_a_reorganisation_past_finality_agrees_again_once_it_was_read(house: House) -> None:
    house.fund()
    invoice = house.shop.ask("1", "ETH")
    paid = house.shop.pay(invoice)
    house.desk.pay("p1", amount=500)
    house.desk.work()
    house.mine(5)
    house.chain.reorg(6, drop=[paid])
    house.shop.look()
    resume(house.shop.gateway, house.shop.code, actor="cli:test")
    house.shop.verify()
    house.shop.look()
    for _ in range(6):
        house.mine()
    assert house.desk.statuses("p1") == ["confirmed"]
    assert not house.drifts()


def test_a_large_payment_that_waits_for_a_second_node_is_doubtful_and_no_drift(
    open_house_with: Callable[..., House],
) -> None:
    house = open_house_with(assets={"USDT": {"large_amount": "5"}})
    house.chain.capabilities |= Capability.SECOND_OPINION
    house.chain.second_opinions = lambda blocks: {}  # type: ignore[attr-defined]  # no other node answers
    house.shop.pay(house.shop.ask("10", "USDT"))
    house.mine(5)
    found = house.compare()
    [line] = [each for each in found.pots if each.pot.place is Place.DEPOSITS and each.pot.asset]
    assert not found.drifts
    assert (line.ledger, line.doubtful, line.chain) == (0, 10_000_000, 10_000_000)
    house.chain.fund(house.master, 1, house.usdt)
    assert house.drifts() == {("master", house.usdt): 1}


def test_a_token_that_takes_a_fee_agrees_by_what_arrived(
    open_house_with: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = open_house_with(assets={"USDT": {"verify_balance": True}})
    invoice, balances = house.shop.ask("10", "USDT"), house.chain.balances

    def less(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Three base units of a transfer never arrive, whatever its log says."""
        return {each: max(0, n - 3) if each.contract else n for each, n in balances(holdings, at).items()}

    monkeypatch.setattr(house.chain, "balances", less)
    house.shop.pay(invoice)
    for _ in range(6):
        house.mine()
        assert not house.drifts()
    assert house.shop.held() == 9_999_997
