"""Defects of telling, and of who may work: events, webhooks and leases."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import update

from cloudpay.kernel import leases
from cloudpay.kernel.ids import new_id
from cloudpay.outbox import service as outbox
from cloudpay.webhooks import delivery
from cloudpay.webhooks.service import enqueue
from tests.simulation.mutants.planting import Patches, after_the_commit, mutant


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
    return after_the_commit("cloudpay.payments.rows.append", outbox.append)


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
