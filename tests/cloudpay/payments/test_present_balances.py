"""Nodes that keep no earlier state, and show in the balances of the newest block what only waits."""

from datetime import timedelta

import pytest

from cloudpay.chains.types import Capability
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.strays import strays
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop

ETHER = 10**18
BLOCK = timedelta(seconds=3)


@pytest.fixture
def present(shop: Shop) -> Shop:
    """The shop on a node that shows no traces, and in balances whatever it knows now."""
    shop.chain.capabilities = Capability.TOKENS
    shop.mine(shop.chain.settings.confirmations)
    return shop


def pass_blocks(shop: Shop, clock: FixedClock, count: int) -> None:
    """Mine and look, block by block, three seconds apart."""
    for _ in range(count):
        clock.advance(BLOCK)
        shop.mine()


def owes_a_round(shop: Shop) -> bool:
    with shop.gateway.db.read() as session:
        return session.get_one(NetworkRow, shop.code).untraced_at is not None


def test_f21_what_waits_is_no_payment_although_a_balance_shows_it(present: Shop, clock: FixedClock) -> None:
    invoice = present.ask("1", "ETH")
    present.chain.send(invoice.option.address, ETHER)
    present.chain.mine(1, leave=present.chain.mempool)
    present.look()
    assert present.state(invoice).payments == ()
    present.chain.forget()
    pass_blocks(present, clock, 8)
    found = present.state(invoice)
    assert (found.status, found.payments, present.held()) == (InvoiceStatus.PENDING, (), 0)
    assert strays(present.gateway, present.code, invoice.option.address, invoice.created_at) == []


def test_f21_what_a_balance_shows_before_its_block_is_paid_once(present: Shop, clock: FixedClock) -> None:
    invoice = present.ask("1", "ETH")
    tx = present.chain.send(invoice.option.address, ETHER)
    present.chain.mine(1, leave=present.chain.mempool)
    present.look()
    pass_blocks(present, clock, 8)
    found = present.state(invoice)
    assert [(each.tx_hash, each.amount, each.status) for each in found.payments] == [
        (tx, ETHER, PaymentStatus.FINAL)
    ]
    assert (found.exception, present.held()) == (None, ETHER)


def test_f11_coins_of_a_contract_are_paid_once_their_block_is_final(present: Shop, clock: FixedClock) -> None:
    invoice = present.ask("1", "ETH")
    present.chain.send(invoice.option.address, ETHER, via_contract=True)
    confirmations = present.chain.settings.confirmations
    pass_blocks(present, clock, confirmations - 1)
    assert present.state(invoice).payments == ()
    pass_blocks(present, clock, 1)
    found = present.state(invoice)
    assert (found.status, found.exception, present.held()) == (InvoiceStatus.PAID, None, ETHER)


def test_f11_no_invoice_expires_before_a_final_block_after_its_expiry_was_looked_at(
    present: Shop, clock: FixedClock
) -> None:
    invoice, unpaid = present.ask("1", "ETH"), present.ask("1", "ETH")
    clock.advance(timedelta(minutes=60) - BLOCK)
    present.chain.send(invoice.option.address, ETHER, via_contract=True)
    present.mine()
    clock.advance(timedelta(seconds=10))
    present.look()
    statuses = {present.state(each).status for each in (invoice, unpaid)}
    assert statuses == {InvoiceStatus.PENDING}, "what is not final yet may have paid"
    pass_blocks(present, clock, 8)
    paid, late = present.state(invoice), present.state(unpaid)
    assert (paid.status, paid.exception, late.status) == (InvoiceStatus.PAID, None, InvoiceStatus.EXPIRED)


def test_f11_a_round_after_nodes_trace_again_waits_until_what_they_did_not_trace_is_final(
    present: Shop, clock: FixedClock
) -> None:
    invoice = present.ask("1", "ETH")
    present.chain.send(invoice.option.address, ETHER, via_contract=True)
    clock.advance(BLOCK)
    present.mine()
    present.chain.capabilities |= Capability.TRACES
    present.look()
    assert owes_a_round(present)
    clock.advance(timedelta(minutes=2))
    pass_blocks(present, clock, 12)
    found = present.state(invoice)
    assert (found.status, found.exception, present.held()) == (InvoiceStatus.PAID, None, ETHER)
    assert not owes_a_round(present)
