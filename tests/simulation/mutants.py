"""Planted defects: each breaks one thing in the gateway, and the simulation has to find out from the outside."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudpay.chains.types import BlockRef
from cloudpay.invoices import change
from cloudpay.invoices.models import InvoiceRow
from cloudpay.invoices.settlement import Asked
from cloudpay.kernel import leases
from cloudpay.kernel.ids import new_id
from cloudpay.ledger.payments import post_receipt, post_reversal
from cloudpay.outbox import service as outbox
from cloudpay.payments import credit, health, observe
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.networks import network_row
from cloudpay.payments.pages import PageCommit
from cloudpay.payments.service import of_invoice
from cloudpay.payments.states import READABLE, NetworkStatus, PaymentStatus
from cloudpay.payments.views import PaymentView
from cloudpay.testing import FakeChain
from cloudpay.webhooks import delivery
from cloudpay.webhooks.service import enqueue
from tests.simulation.run import Simulation, Verdict

Patches = Mapping[str, Any]
MUTANTS: dict[str, Callable[[], Patches]] = {}
"""By name, what each replaces: import paths and stand-ins."""


def mutant(make: Callable[[], Patches]) -> Callable[[], Patches]:
    """Put a defect into the list, under its function's name."""
    MUTANTS[make.__name__.replace("_", " ")] = make
    return make


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have the defect for the length of the block."""
    with ExitStack() as stack:
        for target, stand_in in MUTANTS[name]().items():
            stack.enter_context(mock.patch(target, stand_in))
        yield


def hunt(run: Simulation, name: str, seeds: Iterable[int], events: int | None = None) -> Verdict | None:
    """Run seeds with a defect until a rule is broken; answer that run, None when no seed finds it."""
    with planted(name):
        for seed in seeds:
            verdict = run.run(seed, events)
            if "TypeError" in verdict.found or "AttributeError" in verdict.found:
                raise RuntimeError(f"the defect {name!r} does not fit the code any more: {verdict.found}")
            if verdict.rule:
                return verdict
    return None


# Crediting


@mutant
def credits_what_is_only_included() -> Patches:
    settle = credit.settle

    def at_once(session: Any, gateway: Any, network: Any, row: Any, head: Any, *rest: Any) -> None:
        if row.cursor_hash:
            head = replace(head, final=BlockRef(row.cursor_height, row.cursor_hash))
        settle(session, gateway, network, row, head, *rest)

    return {"cloudpay.payments.pages.settle": at_once, "cloudpay.payments.health.settle": at_once}


@mutant
def believes_any_final_block() -> Patches:
    return {"cloudpay.payments.credit.blocks.hash_at": lambda *_: None}


@mutant
def large_amounts_do_not_wait() -> Patches:
    return {"cloudpay.payments.credit._sure_enough": lambda *_: True}


@mutant
def forgets_to_book_the_reversal() -> Patches:
    return {"cloudpay.payments.credit.post_reversal": lambda *_: False}


@mutant
def forgets_to_book_every_seventh_receipt() -> Patches:
    seen = [0]

    def sometimes(*arguments: Any) -> bool:
        seen[0] += 1
        return seen[0] % 7 == 0 or post_receipt(*arguments)

    return {"cloudpay.payments.credit.post_receipt": sometimes}


@mutant
def books_after_the_commit() -> Patches:
    return _after_the_commit("cloudpay.payments.credit.post_receipt", post_receipt)


@mutant
def pays_a_reversal_back_twice() -> Patches:
    def twice(session: Session, receipt: Any, now: Any) -> bool:
        post_reversal(session, replace(receipt, count=receipt.count + 1_000), now)
        return post_reversal(session, receipt, now)

    return {"cloudpay.payments.credit.post_reversal": twice}


# Reading


@mutant
def takes_no_logs_for_an_empty_block() -> Patches:
    lie = FakeChain.lie_empty_logs
    return {"cloudpay.testing.FakeChain.lie_empty_logs": lambda self: lie(self, noticed=False)}


@mutant
def believes_unlinked_pages() -> Patches:
    return {"cloudpay.payments.watcher.check_links": lambda *_: None}


@mutant
def ignores_parent_hashes() -> Patches:
    def blocks_after(self: FakeChain, after: BlockRef | None, limit: int) -> Any:
        seen = self._ledger.blocks[: self._visible() + 1]
        return seen[-1:] if after is None else seen[after.height + 1 :][:limit]

    return {"cloudpay.testing.FakeChain._blocks_after": blocks_after}


@mutant
def leaves_orphans_standing() -> Patches:
    return {"cloudpay.payments.pages.orphan_above": lambda *_: []}


@mutant
def moves_the_cursor_in_a_commit_of_its_own() -> Patches:
    return _after_the_commit("cloudpay.payments.pages.observe", observe.observe)


@mutant
def is_not_fenced() -> Patches:
    def run(self: PageCommit, cursor: Any, after: Any, page: Any) -> bool:
        def work(session: Session) -> bool:
            row = network_row(session, self.network.code)
            if row.status not in READABLE:
                return False
            deep = after is not None and after != cursor and self._rewind(session, row, after)
            self._take_in(session, row, page)
            if row.status == NetworkStatus.ACTIVE:
                credit.settle(session, self.gateway, self.network, row, self.head)
            return not deep

        return self.gateway.db.run(work)

    return {"cloudpay.payments.pages.PageCommit.run": run}


@mutant
def does_not_pause_after_a_deep_reorganisation() -> Patches:
    return {"cloudpay.payments.pages.enter": lambda *_: None}


# Identities


@mutant
def one_number_for_all_transfers_of_a_transaction() -> Patches:
    return {"cloudpay.payments.observe._numbered": lambda found: ((each, 0) for each in found)}


@mutant
def numbers_transfers_by_their_place_in_the_block() -> Patches:
    return {"cloudpay.payments.observe._numbered": lambda found: ((each, each.position) for each in found)}


@mutant
def keeps_the_first_amount() -> Patches:
    attach = observe._attach

    def keep(row: PaymentRow, transfer: Any, *rest: Any) -> bool:
        return attach(row, replace(transfer, amount=row.amount), *rest)

    return {"cloudpay.payments.observe._attach": keep}


@mutant
def credits_unlisted_tokens() -> Patches:
    def listed(*_: Any) -> bool:
        return True

    return {"cloudpay.testing.FakeChain._reports": listed}


@mutant
def adds_what_a_trace_shows_to_what_was_inferred() -> Patches:
    return {
        "cloudpay.payments.observe.take_from_inferred": lambda *_: False,
        "cloudpay.payments.observe.give_back_inferred": lambda *_: None,
    }


@mutant
def infers_without_looking_at_what_is_known() -> Patches:
    return {
        "cloudpay.payments.inferred.surpluses": lambda _session, _network, balances: {
            address: amount for address, amount in balances.amounts.items() if amount
        }
    }


# Invoices


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


# Telling


@mutant
def marks_events_before_they_are_handled() -> Patches:
    claim = outbox._claim

    def claimed(gateway: Any, limit: int) -> Any:
        events = claim(gateway, limit)
        ids = [each.id for each in events]
        if ids:
            gateway.db.run(lambda session: outbox._mark_handled(session, gateway.clock.now(session), ids))
        return events

    return {"cloudpay.outbox.service._claim": claimed}


@mutant
def queues_a_webhook_at_every_delivery_of_its_event() -> Patches:
    def anew(gateway: Any, *, event_id: str, **rest: Any) -> None:
        enqueue(gateway, event_id=f"{event_id}:{new_id('')}", **rest)

    return {"cloudpay.wiring.webhooks.enqueue": anew}


@mutant
def writes_the_body_when_it_is_sent() -> Patches:
    attempt = delivery.attempt

    def rewritten(gateway: Any, client: Any, claim: Any) -> None:
        attempt(gateway, client, replace(claim, body=json.dumps(json.loads(claim.body), indent=1)))

    return {"cloudpay.webhooks.delivery.attempt": rewritten}


@mutant
def gives_a_webhook_up_after_three_attempts() -> Patches:
    return {"cloudpay.webhooks.outcomes.next_delay": lambda made, *_: timedelta(1) if made < 3 else None}


@mutant
def loses_a_call_that_was_cut_off() -> Patches:
    return {"cloudpay.webhooks.claims._release_cut_off": lambda *_: None}


@mutant
def tells_of_payments_after_the_commit() -> Patches:
    return _after_the_commit("cloudpay.payments.rows.append", outbox.append)


# Leases


@mutant
def takes_a_lease_that_another_holds() -> Patches:
    acquire = leases.acquire

    def take(db: Any, clock: Any, name: str, holder: str, ttl: timedelta) -> Any:
        found = acquire(db, clock, name, holder, ttl)
        if found is None:
            db.run(lambda session: session.execute(
                update(leases.LeaseRow)
                .where(leases.LeaseRow.name == name)
                .values(holder=holder, token=leases.LeaseRow.token + 1)
            ))  # fmt: skip
            found = acquire(db, clock, name, holder, ttl)
        return found

    return {"cloudpay.kernel.leases.acquire": take}


def _after_the_commit(target: str, function: Callable[..., Any]) -> Patches:
    """What belongs into the page's transaction happens in one of its own, after it."""
    late: list[tuple[Any, ...]] = []
    run = PageCommit.run

    def put_off(_session: Session, *arguments: Any) -> bool:
        late.append(arguments)
        return True

    def then_do(self: PageCommit, *arguments: Any) -> bool:
        late.clear()
        goes_on = run(self, *arguments)
        for each in late:
            self.gateway.db.run(lambda session, each=each: function(session, *each))  # type: ignore[misc]
        late.clear()
        return goes_on

    return {target: put_off, "cloudpay.payments.pages.PageCommit.run": then_do}
