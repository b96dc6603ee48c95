"""Defects of invoices: what pays them, and when they end."""

import json
from dataclasses import replace
from typing import Any
from unittest import mock

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.invoices import change
from cloudpay.invoices.models import InvoiceRow
from cloudpay.invoices.settlement import Asked
from cloudpay.kernel.ids import new_id
from cloudpay.outbox import service as outbox
from cloudpay.payments import health
from cloudpay.payments.service import of_invoice
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.views import PaymentView
from tests.simulation.mutants.planting import Patches, mutant


@mutant
def is_paid_by_what_is_not_final() -> Patches:
    def completing(payments: Any, amount: int) -> PaymentView | None:
        enough = sum(each.amount for each in payments) >= amount
        return payments[-1] if enough and payments else None

    return {"cloudpay.invoices.settlement._completing": completing}


@mutant
def any_asset_pays() -> Patches:
    def matches(self: Asked, payment: PaymentView) -> bool:
        return payment.address == self.address

    return {"cloudpay.invoices.settlement.Asked.matches": matches}


@mutant
def late_is_on_time() -> Patches:
    return {"cloudpay.payments.views.PaymentView.was_on_time": lambda *_: True}


@mutant
def orphans_count() -> Patches:
    def risen(*arguments: Any) -> list[PaymentView]:
        return [
            replace(each, status=PaymentStatus.FINAL) if each.status is PaymentStatus.ORPHANED else each
            for each in of_invoice(*arguments)
        ]

    return {"cloudpay.invoices.change.of_invoice": risen}


@mutant
def counts_as_looked_at_while_blind() -> Patches:
    record = health.Heartbeat._record

    def looked(self: Any, session: Any, row: Any, began: Any, *rest: Any) -> None:
        record(self, session, row, began, *rest)
        row.polled_at = began

    return {"cloudpay.payments.health.Heartbeat._record": looked}


@mutant
def expires_without_looking() -> Patches:
    def expire(gateway: Any) -> int:
        with gateway.db.read() as session:
            due = session.scalars(
                select(InvoiceRow.id).where(
                    InvoiceRow.status == "pending", InvoiceRow.expires_at < gateway.clock.now(session)
                )
            ).all()
        with mock.patch("cloudpay.invoices.change.polled_after", return_value=True):
            for each in due:
                gateway.db.run(lambda session, each=each: change._reconsider(session, gateway, each))
        return len(due)

    return {"cloudpay.invoices.change.expire_due": expire}


@mutant
def tells_again_that_it_is_paid() -> Patches:
    reconsider = change._reconsider

    def again(session: Session, gateway: Any, invoice_id: str) -> bool:
        changed = reconsider(session, gateway, invoice_id)
        row = session.get_one(InvoiceRow, invoice_id)
        if not changed and row.status == "paid":
            payload: outbox.Payload = {
                "event_id": new_id("evt_"), "event_type": "invoice.paid", "merchant_id": row.merchant_id,
                "livemode": row.livemode, "url": row.callback_url,
                "body": json.dumps({
                    "status": "paid", "sequence": row.sequence + 1, "exception": None,
                    "confirmed_amount": "1", "amount": "1",
                }),
            }  # fmt: skip
            row.sequence += 1
            outbox.append(session, gateway.clock, change.CHANGED, row.id, payload)
        return changed

    return {"cloudpay.invoices.change._reconsider": again}


@mutant
def cancels_what_has_been_paid() -> Patches:
    def none(session: Session, invoice_id: str) -> list[PaymentView]:
        of_invoice(session, invoice_id)
        return []

    return {"cloudpay.invoices.service.of_invoice": none}


@mutant
def forgets_idempotency_keys() -> Patches:
    return {"cloudpay.invoices.creation.once": lambda *_: None}
