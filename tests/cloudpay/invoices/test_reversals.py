"""A reversed invoice waits for a person: settled with the money that came back, or written off."""

import json

import pytest

from cloudpay.audit.service import entries
from cloudpay.invoices.errors import NotReversed, StillUnpaid, UnknownInvoice
from cloudpay.invoices.reversals import settle, write_off
from cloudpay.invoices.states import InvoiceException, InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.payments.networks import resume
from cloudpay.webhooks.models import Delivery
from tests.cloudpay.shop import Shop

WHY = {"reason": "mined again", "actor": "cli:test"}


def reverse(shop: Shop, *, drop: bool) -> tuple[InvoiceView, str]:
    """Have a paid invoice taken back, and go on."""
    shop.mine(10)
    invoice = shop.ask()
    tx = shop.pay(invoice)
    shop.mine(6)
    shop.chain.reorg(8, drop=[tx] if drop else [])
    shop.look()
    assert shop.state(invoice).status is InvoiceStatus.REVERSED
    resume(shop.gateway, shop.code)
    shop.verify()
    shop.look()
    return invoice, tx


def told(shop: Shop) -> list[str]:
    with shop.gateway.db.read() as session:
        rows = session.query(Delivery.body).order_by(Delivery.id).all()
    return [json.loads(body)["status"] for (body,) in rows]


def test_a_reversed_invoice_is_settled_with_the_payment_that_came_back(shop: Shop) -> None:
    invoice, tx = reverse(shop, drop=False)
    shop.mine(6)
    assert shop.state(invoice).status is InvoiceStatus.REVERSED
    before = shop.held()
    settled = settle(shop.gateway, invoice.id, **WHY)
    assert (settled.status, settled.exception, settled.tx_hash) == (InvoiceStatus.PAID, None, tx)
    shop.mine(3)
    assert shop.state(invoice).status is InvoiceStatus.PAID
    assert shop.held() == before == 10_000_000  # a decision books nothing
    assert told(shop) == ["paid", "reversed"]  # a second `paid` would have the shop ship again
    [entry] = [
        each
        for each in entries(shop.gateway).items
        if each.subject == invoice.id and "settled" in each.action
    ]
    assert (entry.action, entry.actor, entry.details) == (
        "invoice.settled",
        "cli:test",
        {"reason": "mined again"},
    )


def test_a_reversed_invoice_is_not_settled_while_its_money_is_not_final(shop: Shop) -> None:
    invoice, _ = reverse(shop, drop=True)
    shop.mine(6)
    with pytest.raises(StillUnpaid):
        settle(shop.gateway, invoice.id, **WHY)
    shop.pay(invoice, 9_999_999)
    shop.mine(6)
    with pytest.raises(StillUnpaid):
        settle(shop.gateway, invoice.id, **WHY)
    last = shop.pay(invoice, 2)
    shop.mine(1)
    with pytest.raises(StillUnpaid):
        settle(shop.gateway, invoice.id, **WHY)
    shop.mine(6)
    settled = settle(shop.gateway, invoice.id, **WHY)
    assert (settled.status, settled.exception) == (InvoiceStatus.PAID, InvoiceException.OVERPAID)
    assert settled.tx_hash == last


def test_a_settled_invoice_that_is_taken_back_once_more_is_reversed_once_more(shop: Shop) -> None:
    invoice, _ = reverse(shop, drop=False)
    shop.mine(6)
    settle(shop.gateway, invoice.id, **WHY)
    shop.chain.reorg(10)
    shop.look()
    assert (shop.state(invoice).status, shop.held()) == (InvoiceStatus.REVERSED, 0)


def test_a_written_off_invoice_is_cancelled_and_keeps_what_comes_back_as_late(shop: Shop) -> None:
    invoice, _ = reverse(shop, drop=True)
    assert write_off(shop.gateway, invoice.id, **WHY).status is InvoiceStatus.CANCELLED
    shop.pay(invoice)
    shop.mine(6)
    found = shop.state(invoice)
    assert (found.status, found.exception) == (InvoiceStatus.CANCELLED, InvoiceException.LATE)
    assert shop.held() == 10_000_000
    assert told(shop) == ["paid", "reversed", "cancelled", "cancelled"]


def test_nothing_but_a_reversed_invoice_is_decided_about(shop: Shop) -> None:
    invoice = shop.ask()
    for decide in (settle, write_off):
        with pytest.raises(NotReversed, match="is pending, not reversed"):
            decide(shop.gateway, invoice.id, **WHY)
        with pytest.raises(UnknownInvoice):
            decide(shop.gateway, "INV-none", **WHY)
    assert shop.state(invoice).status is InvoiceStatus.PENDING
