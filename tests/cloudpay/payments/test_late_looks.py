"""Money that a contract sent, noticed by its balance only after the invoice's expiry."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import select

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Capability, Holding
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.payments.models import NativeWatchRow
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop

ETHER = 10**18
HALF = ETHER // 2


@pytest.fixture
def blind(shop: Shop) -> Shop:
    """The shop on a node that shows no traces."""
    shop.chain.capabilities = Capability.TOKENS | Capability.HISTORY
    return shop


def test_f11_what_lay_there_before_the_expiry_is_on_time_although_it_was_noticed_later(
    blind: Shop, clock: FixedClock
) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.chain.mine()  # nobody looks
    in_time = blind.chain.height
    clock.advance(timedelta(hours=2))
    blind.mine()
    [payment] = blind.state(invoice).payments
    assert (payment.block_height, payment.amount) == (in_time, ETHER)
    blind.mine(3)
    paid = blind.state(invoice)
    assert (paid.status, paid.exception, len(paid.payments)) == (InvoiceStatus.PAID, None, 1)


def test_f11_what_came_after_the_expiry_is_late(blind: Shop, clock: FixedClock) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.mine()
    clock.advance(timedelta(hours=2))
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.mine(4)
    late = blind.state(invoice)
    assert (late.status, late.exception) == (InvoiceStatus.EXPIRED, InvoiceException.LATE)


def test_f11_a_block_made_before_the_expiry_that_came_after_a_look_is_on_time(
    blind: Shop, clock: FixedClock
) -> None:
    """Blocks come seconds after the time that they carry: the first look after an expiry may see an older head."""
    invoice = blind.ask("1", "ETH")
    clock.advance(timedelta(minutes=59, seconds=50))
    blind.chain.mine()
    clock.advance(timedelta(seconds=11))
    blind.look()
    assert blind.state(invoice).status is InvoiceStatus.EXPIRED
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    clock.advance(timedelta(seconds=-2))
    in_time = blind.chain.mine()
    clock.advance(timedelta(seconds=12))
    blind.mine()
    [payment] = blind.state(invoice).payments
    assert payment.block_height == in_time.height
    blind.mine(3)
    paid = blind.state(invoice)
    assert (paid.status, paid.exception) == (InvoiceStatus.PAID, None)


def test_of_two_parts_around_the_expiry_one_is_on_time(blind: Shop, clock: FixedClock) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, HALF - 1, via_contract=True)
    blind.chain.mine()
    clock.advance(timedelta(hours=2))
    blind.chain.send(invoice.option.address, HALF + 1, via_contract=True)
    blind.mine()
    blind.mine(3)
    found = blind.state(invoice)
    assert [each.amount for each in found.payments] == [HALF - 1, HALF + 1]
    assert [each.was_on_time(invoice.expires_at) for each in found.payments] == [True, False]
    assert blind.held() == ETHER


def test_what_a_later_look_has_counted_makes_no_new_money_on_time(blind: Shop, clock: FixedClock) -> None:
    """The first part lies in a block that was never looked at: the second one cannot have lain there, too."""
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, HALF, via_contract=True)
    blind.chain.mine()
    clock.advance(timedelta(hours=2))
    blind.chain.mine()
    clock.advance(timedelta(hours=-2))  # a node whose clock is ahead: the poll begins before the expiry
    blind.look()
    clock.advance(timedelta(hours=2))
    blind.chain.send(invoice.option.address, 1, via_contract=True)
    blind.mine()
    found = [(each.block_height, each.amount) for each in blind.state(invoice).payments]
    assert found == [(blind.chain.height - 1, HALF), (blind.chain.height, 1)]


def test_a_plain_transfer_after_the_expiry_takes_nothing_from_what_was_on_time(
    blind: Shop, clock: FixedClock
) -> None:
    invoice = blind.ask("1", "ETH")
    blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    blind.chain.mine()
    clock.advance(timedelta(hours=2))
    blind.chain.send(invoice.option.address, ETHER)
    blind.mine(4)
    found = blind.state(invoice)
    assert (found.status, found.exception) == (InvoiceStatus.PAID, InvoiceException.OVERPAID)
    assert blind.held() == 2 * ETHER


def test_a_node_that_keeps_no_old_balances_makes_payments_late_and_loses_nothing(
    blind: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoices = []
    for _ in range(3):  # each with an expiry, and so a block before it, of its own
        invoices.append(blind.ask("1", "ETH"))
        blind.chain.send(invoices[-1].option.address, ETHER, via_contract=True)
        blind.chain.mine()
        clock.advance(timedelta(minutes=1))
    clock.advance(timedelta(minutes=57, seconds=30))
    for _ in range(3):
        blind.chain.mine()
        clock.advance(timedelta(minutes=1))
    clock.advance(timedelta(hours=2))
    balances, refused = blind.chain.balances, []
    paid = {each.option.address for each in invoices}

    def pruned(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        asked = list(holdings)
        if at.height < blind.chain.height:
            if any(each.address in paid for each in asked):  # the master wallet is looked at, too
                refused.append(at.height)
            raise NodeUnavailable("evm", "missing trie node")
        return balances(asked, at)

    monkeypatch.setattr(blind.chain, "balances", pruned)
    blind.mine()
    assert len(refused) == 1, "what is older than what it refused is not asked for"
    blind.mine(3)
    states = [blind.state(each) for each in invoices]
    assert {(each.status, each.exception) for each in states} == {
        (InvoiceStatus.EXPIRED, InvoiceException.LATE)
    }
    assert blind.held() == 3 * ETHER


def test_an_invoice_whose_time_has_run_out_comes_before_those_that_are_open(
    blind: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = [blind.ask("1", "ETH") for _ in range(2)]
    clock.advance(timedelta(minutes=59))
    blind.mine()
    fresh = [blind.ask("1", "ETH") for _ in range(5)]
    clock.advance(timedelta(minutes=2))
    monkeypatch.setattr("cloudpay.payments.balances.BUDGET", 2)
    blind.mine()
    assert [blind.state(each).status for each in old] == [InvoiceStatus.EXPIRED] * 2
    assert [blind.state(each).status for each in fresh] == [InvoiceStatus.PENDING] * 5


@pytest.mark.parametrize("budget", [1, 3])
def test_every_address_has_its_turn_however_small_the_budget(
    blind: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    monkeypatch.setattr("cloudpay.payments.balances.BUDGET", budget)
    invoices = [blind.ask("1", "ETH") for _ in range(9)]
    for invoice in invoices:
        blind.chain.send(invoice.option.address, ETHER, via_contract=True)
    for _ in range(9 // budget + 3):
        clock.advance(timedelta(seconds=12))
        blind.mine()
    assert [len(blind.state(each).payments) for each in invoices] == [1] * 9


def test_an_address_is_let_go_some_days_after_its_invoice(blind: Shop, clock: FixedClock) -> None:
    blind.ask("1", "ETH")

    def watched() -> int:
        with blind.gateway.db.read() as session:
            return len(session.scalars(select(NativeWatchRow)).all())

    clock.advance(timedelta(days=7))
    blind.mine()
    assert watched() == 1
    clock.advance(timedelta(days=1))
    blind.mine()
    clock.advance(timedelta(days=8))
    blind.mine()
    assert watched() == 0


def test_with_traces_no_look_is_owed_for_what_expired_long_ago(shop: Shop, clock: FixedClock) -> None:
    shop.ask("1", "ETH")
    clock.advance(timedelta(days=8))
    shop.mine()
    recent = shop.ask("1", "ETH")
    clock.advance(timedelta(minutes=10))
    shop.mine()
    with shop.gateway.db.read() as session:
        assert session.scalars(select(NativeWatchRow.address)).all() == [recent.option.address]
