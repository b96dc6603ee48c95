"""What must be true at the end of a run, however often its processes were killed."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudpay.invoices.models import InvoiceRow
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.ledger.audit import check
from cloudpay.ledger.models import JournalRow
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.models import NetworkRow, PaymentRow
from cloudpay.payments.states import NetworkStatus, PaymentStatus
from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.states import DeliveryStatus
from tests.kills.shoppers import Order
from tests.kills.stack import Stack

Sent = Mapping[tuple[str, str], int]
"""Base units that were sent, by asset symbol and address."""

_CHANGED = "invoice.changed"


@dataclass(frozen=True)
class Verdict:
    """What is wrong, by kind; nothing anywhere is a sound gateway."""

    unpaid: Sequence[str]
    paid_twice: Sequence[str]
    webhooks_missing: Sequence[str]
    other: Sequence[str]

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong, in sentences."""
        return [*self.unpaid, *self.paid_twice, *self.webhooks_missing, *self.other]


def settled(stack: Stack, orders: Sequence[Order]) -> set[str]:
    """Answer the invoices that have come to what must come of them."""
    states = select(InvoiceRow.id, InvoiceRow.status, InvoiceRow.exception)
    rows = stack.gateway.db.ask(lambda session: session.execute(states).all())
    found = {row.id: (row.status, row.exception) for row in rows}
    return {each.invoice_id for each in orders if found.get(each.invoice_id) == each.outcome}


def expired(stack: Stack) -> set[str]:
    """Answer the invoices whose time was over before they were paid."""
    over = select(InvoiceRow.id).where(InvoiceRow.status == InvoiceStatus.EXPIRED)
    return set(stack.gateway.db.ask(lambda session: session.scalars(over).all()))


def quiet(stack: Stack) -> bool:
    """Say whether no payment, event or webhook waits any more; an expired invoice's payment may be final after it."""
    payments = select(func.count()).where(
        PaymentRow.status.in_([PaymentStatus.SEEN, PaymentStatus.CONFIRMING])
    )
    events = select(func.count()).where(OutboxRow.handled_at.is_(None))
    webhooks = select(func.count()).where(
        Delivery.status.in_([DeliveryStatus.PENDING, DeliveryStatus.SENDING])
    )
    waiting = (payments, events, webhooks)
    return not any(stack.gateway.db.ask(lambda session: [session.scalar(each) for each in waiting]))


def audit(stack: Stack, orders: Sequence[Order], sent: Sent) -> Verdict:
    """Hold the gateway against what the shop ordered, what payers sent, and what arrived at the endpoints."""
    with stack.gateway.db.read() as session:
        unpaid = [*_outcomes(session, orders)]
        twice = [*_credits(session, stack, orders, sent), *_said_once(stack)]
        missing = [*_webhooks(session, stack)]
        other = [*_rest(session, orders)]
    other += [str(each) for each in check(stack.gateway)]
    other += [f"an endpoint refused a webhook: {each}" for each in stack.endpoints.refused]
    return Verdict(unpaid, twice, missing, other)


def _outcomes(session: Session, orders: Sequence[Order]) -> Iterator[str]:
    rows = {row.id: row for row in session.scalars(select(InvoiceRow))}
    for order in orders:
        row = rows.get(order.invoice_id)
        found = None if row is None else (row.status, row.exception)
        if found != order.outcome:
            yield f"{order.kind}: {order.invoice_id} is {found} instead of {order.outcome}"
    keys = Counter(order.invoice_id for order in orders)
    yield from (f"{invoice} answers {times} orders" for invoice, times in keys.items() if times > 1)


def _credits(session: Session, stack: Stack, orders: Sequence[Order], sent: Sent) -> Iterator[str]:
    """Each address holds final payments of exactly what was sent to it, each of them booked once."""
    network = next(iter(stack.gateway.chains))
    symbols = {asset.key: asset.symbol for asset in network.assets}
    held: dict[tuple[str, str], int] = defaultdict(int)
    for payment in session.scalars(select(PaymentRow)):
        if payment.status == PaymentStatus.FINAL:
            held[symbols[payment.asset], payment.address] += payment.amount
        elif payment.status != PaymentStatus.ORPHANED:
            yield f"payment {payment.id} is still {payment.status}"
    for key in {*held, *sent}:
        if held[key] != sent.get(key, 0):
            yield f"{key}: {sent.get(key, 0)} were sent, {held[key]} are final"
    booked = {
        symbols[key.asset]: found.debits - found.credits
        for key, found in balances(session, stack.merchant_id, livemode=False).items()
        if key.kind is AccountKind.DEPOSITS
    }
    for symbol in symbols.values():
        total = sum(units for (asset, _), units in sent.items() if asset == symbol)
        if booked.get(symbol, 0) != total:
            yield f"{symbol}: {total} were sent, the ledger holds {booked.get(symbol, 0)}"
    references = session.scalars(select(JournalRow.reference)).all()
    if len(references) != len(set(references)):
        yield "a booking is there twice"


def _said_once(stack: Stack) -> Iterator[str]:
    """`paid` is said of an invoice under one event id only, so that a shop ships once."""
    paid: dict[str, set[str]] = defaultdict(set)
    for event_id, bodies in stack.endpoints.bodies.items():
        if len(bodies) > 1:
            yield f"event {event_id} came with {len(bodies)} bodies"
        for body in bodies:
            told = json.loads(body)
            if told["status"] == "paid":
                paid[told["invoice_id"]].add(event_id)
    yield from (
        f"{invoice} was said to be paid {len(ids)} times" for invoice, ids in paid.items() if len(ids) > 1
    )


def _webhooks(session: Session, stack: Stack) -> Iterator[str]:
    """Every change of an invoice arrived, with the body that was frozen in the transaction of the change."""
    for payload in session.scalars(select(OutboxRow.payload).where(OutboxRow.name == _CHANGED)):
        told = json.loads(payload)
        if told["url"] and stack.endpoints.bodies.get(told["event_id"]) != {told["body"]}:
            yield f"the webhook {told['event_id']} ({told['event_type']}) did not arrive as it was written"
    said = {
        json.loads(body)["invoice_id"]
        for bodies in list(stack.endpoints.bodies.values())
        for body in bodies
        if json.loads(body)["status"] == "paid"
    }
    paid = session.scalars(select(InvoiceRow.id).where(InvoiceRow.paid_at.is_not(None)))
    yield from (
        f"{invoice} is paid, and its endpoint was not told" for invoice in paid if invoice not in said
    )


def _rest(session: Session, orders: Sequence[Order]) -> Iterator[str]:
    stuck = session.scalars(select(OutboxRow).where(OutboxRow.handled_at.is_(None))).all()
    yield from (f"event {row.id} ({row.name}) waits: {row.last_error}" for row in stuck)
    for row in session.scalars(select(Delivery).where(Delivery.status != DeliveryStatus.SUCCEEDED)):
        yield f"delivery {row.id} is {row.status}: {row.last_error}"
    for network in session.scalars(select(NetworkRow)):
        if network.status != NetworkStatus.ACTIVE:
            yield f"the network is {network.status}: {network.reason}"
    made = session.scalar(select(func.count()).select_from(InvoiceRow)) or 0
    if made != len(orders):
        yield f"{len(orders)} orders became {made} invoices"
