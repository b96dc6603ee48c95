"""What we move ourselves is no income, and does not hide what comes in besides."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from cloudpay.chains.types import Capability, Page
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.own import own_income
from cloudpay.testing.addresses import fake_address
from cloudpay.testing.ledger import Move
from cloudpay.wallets.service import master_address
from tests.cloudpay.shop import Shop

ETHER = 10**18


@pytest.fixture
def blind(shop: Shop) -> Shop:
    """The shop on a node that shows no traces."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    shop.mine(5)
    return shop


def top_up(shop: Shop, to: str) -> str:
    """Send an ether from the merchant's master wallet."""
    master = master_address(shop.gateway, shop.gateway.chains.network(shop.code), 0)
    shop.chain.fund(master, 10 * ETHER)
    return shop.chain.send(to, ETHER, sender=master)


@contextmanager
def nothing_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the node leave out all transfers of its blocks."""
    scan = shop.chain.scan
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(shop.chain, "scan", lambda *asked: replace(scan(*asked), transfers=()))
        yield


def test_f23_what_comes_beside_a_top_up_is_found_by_the_balance(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    top_up(blind, invoice.option.address)
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]
    assert (blind.earned(), blind.held()) == (ETHER, 2 * ETHER)
    blind.rescan(1, blind.chain.height)
    blind.mine(3)
    assert (blind.earned(), blind.held()) == (ETHER, 2 * ETHER)


@pytest.mark.parametrize("left", [0, ETHER // 4], ids=["nothing is left", "a part is left"])
def test_f11_what_a_contract_sent_and_we_moved_away_before_anybody_looked_is_income(
    blind: Shop, left: int
) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.chain.mine()
    blind.chain.send(
        fake_address("an exchange"), ETHER - left, sender=invoice.option.address, origin=blind.chain.payer
    )
    blind.mine(2)
    blind.mine(3)
    found = blind.state(invoice)
    assert (found.status, [each.amount for each in found.payments]) == (InvoiceStatus.PAID, [ETHER])
    assert blind.earned() == ETHER


def test_f23_a_top_up_that_a_node_hid_is_taken_out_of_what_a_balance_showed(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    with nothing_told(blind, monkeypatch):
        blind.chain.send(invoice.option.address, ETHER)
        top_up(blind, invoice.option.address)
        blind.mine(1)
    assert [each.amount for each in blind.state(invoice).payments] == [2 * ETHER]
    blind.rescan(1, blind.chain.height)
    blind.mine(5)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]
    assert blind.earned() == ETHER


def test_f23_a_top_up_that_a_node_hid_is_taken_out_of_what_was_credited(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    with nothing_told(blind, monkeypatch):
        blind.chain.send(invoice.option.address, ETHER, via_contract=True)
        top_up(blind, invoice.option.address)
        blind.mine(1)
        blind.mine(3)
    assert (blind.state(invoice).status, blind.earned()) == (InvoiceStatus.PAID, 2 * ETHER)
    for _ in range(2):
        blind.rescan(1, blind.chain.height)
        blind.mine(2)
        assert [each.amount for each in blind.state(invoice).payments] == [ETHER]
        assert (blind.state(invoice).status, blind.earned()) == (InvoiceStatus.PAID, ETHER)


def test_f23_an_invoice_that_a_hidden_top_up_paid_is_reversed_when_that_is_found(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    with nothing_told(blind, monkeypatch):
        top_up(blind, invoice.option.address)
        blind.mine(1)
        blind.mine(3)
    assert (blind.state(invoice).status, blind.earned()) == (InvoiceStatus.PAID, ETHER)
    blind.rescan(1, blind.chain.height)
    blind.mine(2)
    assert (blind.state(invoice).status, blind.earned()) == (InvoiceStatus.REVERSED, 0)


def test_f23_what_went_through_unseen_takes_nothing_from_a_payment(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    with nothing_told(blind, monkeypatch):
        blind.chain.send(invoice.option.address, ETHER, via_contract=True)
        top_up(blind, invoice.option.address)
        blind.chain.mine(1)
        away = blind.chain.payer
        blind.chain.send("somewhere safe", ETHER, sender=invoice.option.address, origin=away)
        blind.mine(1)
        blind.mine(3)
    assert blind.earned() == ETHER
    blind.rescan(1, blind.chain.height)
    blind.mine(2)
    assert (blind.state(invoice).status, blind.earned()) == (InvoiceStatus.PAID, ETHER)


def test_f23_a_trace_replaces_what_a_balance_showed_although_a_fee_had_lowered_that(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    top_up(blind, invoice.option.address)
    blind.mine(1)
    blind.chain.send("somewhere safe", ETHER // 2, sender=invoice.option.address)
    blind.mine(1)
    blind.chain.send(invoice.option.address, 2 * ETHER, via_contract=True)
    blind.mine(1)
    blind.mine(3)
    paid = blind.state(invoice)
    assert paid.status is InvoiceStatus.PAID
    assert 2 * ETHER - 1000 <= blind.earned() < 2 * ETHER  # less the fee
    blind.chain.capabilities |= Capability.TRACES
    blind.rescan(1, blind.chain.height)
    blind.settle()
    assert (blind.state(invoice).status, blind.earned()) == (InvoiceStatus.PAID, 2 * ETHER)
    blind.mine(3)
    assert (blind.state(invoice).status, blind.earned()) == (InvoiceStatus.PAID, 2 * ETHER)


def test_f23_what_left_unseen_does_not_have_a_payment_credited_beside_what_a_balance_showed_of_it(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    with nothing_told(blind, monkeypatch):
        blind.chain.send(invoice.option.address, ETHER)
        blind.chain.mine(1)
        away = blind.chain.payer
        blind.chain.send("somewhere safe", ETHER // 4, sender=invoice.option.address, origin=away)
        blind.mine(1)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER - ETHER // 4]
    blind.rescan(1, blind.chain.height)
    blind.mine(5)
    assert [each.amount for each in blind.state(invoice).payments] == [ETHER]
    assert (blind.state(invoice).status, blind.earned()) == (InvoiceStatus.PAID, ETHER)


def test_f23_a_top_up_that_another_kind_of_trace_places_elsewhere_is_written_down_once(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    top_up(blind, invoice.option.address)
    blind.mine(1)
    scan = blind.chain.scan

    def placed_elsewhere(*asked: Any) -> Page:
        page = scan(*asked)
        return replace(
            page, transfers=tuple(replace(each, position=each.position + 7) for each in page.transfers)
        )

    monkeypatch.setattr(blind.chain, "scan", placed_elsewhere)
    blind.rescan(1, blind.chain.height)
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    assert (blind.earned(), blind.held()) == (ETHER, 2 * ETHER)
    with blind.gateway.db.read() as session:
        rows = own_income(session, blind.code, invoice.option.address)
        assert [(each.ordinal, each.amount) for each in rows] == [(0, ETHER)]


def test_f23_of_two_top_ups_in_one_transaction_one_that_was_left_out_at_first_is_added(
    blind: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = blind.ask("1", "ETH")
    master = master_address(blind.gateway, blind.gateway.chains.network(blind.code), 0)
    blind.chain.fund(master, 10 * ETHER)
    parts = (ETHER, 2 * ETHER, 2 * ETHER)
    blind.chain.transact(*(Move(master, invoice.option.address, each, None) for each in parts))
    scan = blind.chain.scan

    def without_the_first(*asked: Any) -> Page:
        page = scan(*asked)
        return replace(page, transfers=page.transfers[1:])

    with monkeypatch.context() as at_first:
        at_first.setattr(blind.chain, "scan", without_the_first)
        blind.mine(1)
    for _ in range(2):
        blind.rescan(1, blind.chain.height)
    with blind.gateway.db.read() as session:
        rows = own_income(session, blind.code, invoice.option.address)
        assert sorted(each.amount for each in rows) == sorted(parts)


def test_f23_a_top_up_that_a_reorg_takes_away_no_longer_counts(blind: Shop) -> None:
    invoice = blind.ask("1", "ETH")
    tx = top_up(blind, invoice.option.address)
    blind.mine(1)
    blind.chain.reorg(1, drop=[tx])
    blind.look()
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    assert blind.state(invoice).status is InvoiceStatus.PAID
    assert blind.held() == ETHER


def test_f23_after_coins_were_taken_away_new_ones_are_still_found_by_the_balance(blind: Shop) -> None:
    invoice = blind.ask("2", "ETH")
    blind.chain.send(invoice.option.address, ETHER)
    blind.mine(5)
    blind.chain.send("somewhere safe", ETHER // 2, sender=invoice.option.address)
    blind.mine(1)
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(2)
    blind.mine(3)
    assert blind.state(invoice).status is not InvoiceStatus.EXPIRED
    total = sum(each.amount for each in blind.state(invoice).payments)
    assert 2 * ETHER - 1000 <= total <= 2 * ETHER  # less the fee, which is not known
