"""An invoice that very many payments come to costs others nothing, and still adds up."""

from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.invoices import views
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.outbox.models import OutboxRow
from cloudpay.outbox.service import backlog, drain
from cloudpay.payments import service as payments
from cloudpay.payments.views import PaymentView
from cloudpay.sweeps import service as sweeps
from cloudpay.wiring import EVENT_HANDLERS
from tests.cloudpay.shop import Shop


def test_an_invoice_is_held_against_its_payments_once_for_a_batch_of_events(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowded, other = shop.ask("10"), shop.ask("10")
    for _ in range(40):
        shop.pay(crowded, 250_000)
    shop.pay(other)
    shop.chain.mine()
    shop.watcher.poll()
    shop.chain.mine(4)
    shop.watcher.poll()
    assert backlog(shop.gateway).waiting >= 2 * 41
    looked, noted = list[str](), list[str]()
    real, note = payments.of_invoice, sweeps._note

    def of_invoice(session: Session, invoice_id: str) -> list[PaymentView]:
        looked.append(invoice_id)
        return real(session, invoice_id)

    def noting(session: Session, **rest: object) -> None:
        noted.append(getattr(rest["payment"], "invoice_id", ""))
        note(session, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr("cloudpay.invoices.change.of_invoice", of_invoice)
    monkeypatch.setattr(sweeps, "_note", noting)
    drain(shop.gateway, EVENT_HANDLERS, limit=200)
    assert sorted(looked) == sorted([crowded.id, other.id])
    assert sorted(noted) == sorted([crowded.id, other.id])
    shop.settle()
    assert {shop.state(each).status for each in (crowded, other)} == {InvoiceStatus.PAID}


def test_an_invoice_that_cannot_be_changed_keeps_no_other_of_its_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = shop.ask("10"), shop.ask("10")
    for each in (bad, good):
        shop.pay(each)
    shop.chain.mine()
    shop.watcher.poll()
    shop.chain.mine(4)
    shop.watcher.poll()
    real = payments.of_invoice

    def of_invoice(session: Session, invoice_id: str) -> list[PaymentView]:
        if invoice_id == bad.id:
            raise RuntimeError("a rule that nobody thought of")
        return real(session, invoice_id)

    monkeypatch.setattr("cloudpay.invoices.change.of_invoice", of_invoice)
    while drain(shop.gateway, EVENT_HANDLERS):
        pass
    assert shop.state(good).status is InvoiceStatus.PAID
    with shop.gateway.db.read() as session:
        waiting = session.scalars(select(OutboxRow.payload).where(OutboxRow.handled_at.is_(None))).all()
    assert waiting
    assert all(bad.id in payload for payload in waiting)


def test_of_very_many_payments_the_greatest_are_listed_and_all_count(
    shop: Shop, client: FlaskClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "SHOWN", 3)
    invoice = shop.ask("10")
    shop.chain.send(invoice.option.address, 10**18)  # in another asset: it does not count
    for units in (1, 2_000_000, 2, 3_000_000, 3, 5_000_000):
        shop.pay(invoice, units)
    shop.mine()
    shop.mine(4)
    answer = client.get(f"/api/invoice/{invoice.id}", headers=headers).get_json()
    assert sorted(Decimal(each["amount"]) for each in answer["payments"]) == [2, 3, 5]
    assert (answer["payments_total"], answer["status"], answer["exception"]) == (7, "paid", "overpaid")
    assert shop.state(invoice).option.received == 10_000_006
    assert answer["warnings"] == []
