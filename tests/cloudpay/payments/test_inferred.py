"""Native money that a contract sent, where the node shows no traces."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Capability, Holding
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.states import PaymentStatus
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop

ETHER = 10**18


@pytest.fixture
def blind(shop: Shop) -> Shop:
    """The shop on a node that shows no traces."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    return shop


def test_f11_money_from_a_contract_is_found_by_balance(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    paid = blind.state(invoice)
    assert (paid.status, paid.tx_hash) == (InvoiceStatus.PAID, None)
    assert [each.amount for each in paid.payments] == [ETHER]


def test_a_plain_transfer_is_not_counted_again_by_its_balance(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER)
    blind.mine(6)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]


def test_a_later_trace_takes_the_place_of_an_inferred_payment(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    tx = blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(6)
    blind.chain.capabilities |= Capability.TRACES
    blind.rescan(1, 6)
    blind.rescan(1, 6)
    blind.settle()
    assert [(each.tx_hash, each.amount) for each in blind.state(invoice).payments] == [(tx, ETHER)]


def test_two_traces_share_out_one_inferred_payment(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    for part in (ETHER // 4, 3 * ETHER // 4):
        blind.chain.send(invoice.option.address, part, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    blind.chain.capabilities |= Capability.TRACES
    blind.rescan(1, 6)
    blind.rescan(1, 6)
    blind.settle()
    found = blind.state(invoice)
    assert sorted(each.amount for each in found.payments) == [ETHER // 4, 3 * ETHER // 4]
    assert {each.status for each in found.payments} == {PaymentStatus.FINAL}
    assert found.option.confirmed == ETHER


def test_an_inferred_payment_whose_block_left_the_chain_is_found_again(
    blind: Shop,
) -> None:
    blind.mine(5)
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(1)
    blind.chain.reorg(1)
    blind.look()
    blind.mine(6)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]
    assert blind.state(invoice).status is InvoiceStatus.PAID


def test_an_inferred_payment_stays_as_early_as_it_was_when_its_block_leaves_the_chain(
    blind: Shop, clock: FixedClock
) -> None:
    blind.mine(5)
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(1)
    [first] = blind.state(invoice).payments
    clock.advance(timedelta(hours=2))
    blind.chain.reorg(1)
    blind.look()
    blind.mine(6)
    [again] = blind.state(invoice).payments
    assert (again.id, again.first_seen_at) == (first.id, first.first_seen_at)
    assert blind.state(invoice).status is InvoiceStatus.PAID


def test_a_plain_transfer_that_the_scan_missed_takes_the_place_of_what_its_balance_said(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("2", "ETH")
    tx = blind.chain.send(invoice.option.address, ETHER)
    scan = blind.chain.scan
    monkeypatch.setattr(blind.chain, "scan", lambda *asked: replace(scan(*asked), transfers=()))
    blind.mine(6)
    monkeypatch.undo()
    blind.rescan(1, 7)
    blind.rescan(1, 7)
    blind.mine(6)
    assert [(each.tx_hash, each.amount) for each in blind.state(invoice).payments] == [(tx, ETHER)]
    assert blind.held() == ETHER


def test_a_reorg_between_the_scan_and_the_balances_ends_no_poll(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind.mine(5)
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    balances = blind.chain.balances

    def too_late(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        blind.chain.reorg(1)
        return balances(holdings, at)

    monkeypatch.setattr(blind.chain, "balances", too_late)
    blind.mine(1)
    assert blind.state(invoice).payments == ()
    monkeypatch.undo()
    blind.mine(2)
    blind.mine(3)
    assert blind.state(invoice).status is InvoiceStatus.PAID


def test_balances_that_could_not_be_asked_are_asked_at_the_same_block_again(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)

    def cut_off(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        raise NodeUnavailable("evm", "cut off")

    monkeypatch.setattr(blind.chain, "balances", cut_off)
    with pytest.raises(NodeUnavailable):
        blind.mine()
    monkeypatch.undo()
    blind.look()
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]


def test_an_address_that_waits_for_its_look_does_not_expire_unlooked_at(
    blind: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.payments.balances.BUDGET", 1)
    invoices = []
    for _ in range(3):
        invoices.append(blind.ask("1", "ETH"))
        clock.advance(timedelta(seconds=1))
    clock.advance(timedelta(minutes=61))
    found = []
    for _ in range(4):
        blind.mine()
        found.append([blind.state(each).status is InvoiceStatus.EXPIRED for each in invoices])
        clock.advance(timedelta(seconds=1))
    assert found == [[True, False, False], [True, True, False], [True, True, True], [True, True, True]]


def test_addresses_of_open_invoices_are_looked_at_before_those_of_old_ones(
    blind: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        blind.ask("1", "ETH")
    clock.advance(timedelta(hours=2))
    blind.mine()
    monkeypatch.setattr("cloudpay.payments.balances.BUDGET", 1)
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine()
    assert len(blind.state(invoice).payments) == 1


@pytest.mark.parametrize("blocks", [1, 4])
def test_a_payment_that_comes_back_where_only_its_balance_was_seen_is_counted_once(
    shop: Shop, blocks: int
) -> None:
    """Its trace was seen, a reorganisation took it back, and a node without traces saw it come again."""
    shop.mine(5)
    invoice = shop.ask("1", "ETH")
    tx = shop.chain.send(invoice.option.address, ETHER, via_contract=True)
    shop.mine(1)
    shop.chain.reorg(1, remine=False)
    shop.look()
    assert shop.state(invoice).payments == ()
    shop.chain.capabilities &= ~Capability.TRACES
    shop.mine(1)
    shop.mine(blocks)  # one leaves it confirming, four make it final
    assert [each.tx_hash for each in shop.state(invoice).payments] == [None]
    shop.chain.capabilities |= Capability.TRACES
    shop.rescan(1, shop.chain.height)
    shop.rescan(1, shop.chain.height)
    shop.mine(4)
    assert [(each.tx_hash, each.amount) for each in shop.state(invoice).payments] == [(tx, ETHER)]
    assert (shop.state(invoice).status, shop.held()) == (InvoiceStatus.PAID, ETHER)
    shop.chain.reorg(12, drop=[tx])
    shop.look()
    assert (shop.state(invoice).status, shop.held()) == (InvoiceStatus.REVERSED, 0)
