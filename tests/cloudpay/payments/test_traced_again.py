"""Nodes that trace again: what a contract sent while they did not is still found, and once."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

import pytest

from cloudpay.chains.types import BlockRef, Capability, Holding
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop

ETHER = 10**18


@pytest.fixture(autouse=True)
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """One address at a look."""
    monkeypatch.setattr("cloudpay.payments.balances.BUDGET", 1)


def go_blind(shop: Shop) -> None:
    shop.chain.capabilities &= ~Capability.TRACES


def trace_again(shop: Shop) -> None:
    shop.chain.capabilities |= Capability.TRACES


def pay_blindly(shop: Shop, clock: FixedClock, count: int) -> list[InvoiceView]:
    """Have invoices paid by contracts in a block that is read without traces; one of them is looked at."""
    invoices = []
    for _ in range(count):
        invoices.append(shop.ask("1", "ETH"))
        clock.advance(timedelta(milliseconds=2))
    go_blind(shop)
    for invoice in invoices:
        shop.chain.send(invoice.option.address, ETHER, via_contract=True)
    shop.mine()
    assert sum(len(shop.state(each).payments) for each in invoices) == 1
    return invoices


def owed(shop: Shop) -> bool:
    with shop.gateway.db.read() as session:
        return session.get_one(NetworkRow, shop.code).untraced_at is not None


def counting(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many balances each question asks for."""
    asked: list[int] = []
    balances = shop.chain.balances

    def counted(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        wanted = list(holdings)
        asked.append(len(wanted))
        return balances(wanted, at)

    monkeypatch.setattr(shop.chain, "balances", counted)
    return asked


def test_f11_what_came_untraced_is_found_by_balances_after_nodes_trace_again_and_once(
    shop: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoices = pay_blindly(shop, clock, 4)
    trace_again(shop)
    asked = counting(shop, monkeypatch)
    for _ in range(6):
        shop.mine()
    assert [[each.amount for each in shop.state(one).payments] for one in invoices] == [[ETHER]] * 4
    assert max(asked) == 1, "the budget holds"
    assert not owed(shop)
    asked.clear()
    shop.mine(4)
    shop.mine()
    assert asked == [], "with traces, and nothing owed, no balance is asked for"
    shop.rescan(1, shop.chain.height)
    shop.mine(4)
    assert {shop.state(each).status for each in invoices} == {InvoiceStatus.PAID}
    assert shop.held() == 4 * ETHER


def test_f11_what_is_owed_outlives_a_restart(shop: Shop, clock: FixedClock) -> None:
    invoices = pay_blindly(shop, clock, 4)
    trace_again(shop)
    shop.mine()
    old = shop.watcher
    shop.watcher = Watcher(old.gateway, old.network, old.adapter, old.keeper)
    assert owed(shop)
    for _ in range(6):
        shop.mine()
    assert [[each.amount for each in shop.state(one).payments] for one in invoices] == [[ETHER]] * 4


def test_f11_no_invoice_expires_unlooked_at_because_nodes_trace_again(shop: Shop, clock: FixedClock) -> None:
    invoices = pay_blindly(shop, clock, 3)
    trace_again(shop)
    clock.advance(timedelta(minutes=61))
    for _ in range(8):
        shop.mine()
        assert InvoiceStatus.EXPIRED not in {shop.state(each).status for each in invoices}
        clock.advance(timedelta(seconds=12))
    shop.mine(3)
    found = [shop.state(each) for each in invoices]
    assert {(each.status, each.exception) for each in found} == {(InvoiceStatus.PAID, None)}


def test_f11_what_came_while_nodes_traced_is_told_by_its_trace_alone(shop: Shop, clock: FixedClock) -> None:
    pay_blindly(shop, clock, 3)
    trace_again(shop)
    invoice = shop.ask("1", "ETH")
    tx = shop.chain.send(invoice.option.address, ETHER, via_contract=True)
    for _ in range(8):
        shop.mine()
    found = shop.state(invoice)
    assert [(each.tx_hash, each.amount, each.status) for each in found.payments] == [
        (tx, ETHER, PaymentStatus.FINAL)
    ]
    assert shop.held() == 4 * ETHER


def test_f11_nodes_that_stop_tracing_again_owe_a_whole_round_again(shop: Shop, clock: FixedClock) -> None:
    first = pay_blindly(shop, clock, 2)
    trace_again(shop)
    shop.mine()
    clock.advance(timedelta(seconds=12))
    go_blind(shop)
    for invoice in first:
        shop.chain.send(invoice.option.address, ETHER, via_contract=True)
    shop.mine()
    trace_again(shop)
    for _ in range(5):
        shop.mine()
    shop.mine(3)
    assert {shop.state(each).exception for each in first} == {InvoiceException.OVERPAID}
    assert shop.held() == 4 * ETHER


def test_f30_what_was_inferred_in_a_block_that_left_is_inferred_again_though_nodes_trace(
    open_shop_with: Callable[..., Shop], clock: FixedClock
) -> None:
    shop = open_shop_with("evm", confirmations=12)
    shop.mine(5)
    invoice, other = shop.ask("1", "ETH"), shop.ask("1", "ETH")
    go_blind(shop)
    for each in (invoice, other):
        shop.chain.send(each.option.address, ETHER, via_contract=True)
    shop.mine(2)
    trace_again(shop)
    for _ in range(3):
        shop.mine()
    assert not owed(shop)
    clock.advance(timedelta(seconds=12))
    shop.chain.reorg(4)  # their own block stays, and is not read again
    shop.look()
    for _ in range(3):
        shop.mine()
    shop.mine(12)
    for each in (invoice, other):
        assert [payment.amount for payment in shop.state(each).payments] == [ETHER]
    assert shop.held() == 2 * ETHER
