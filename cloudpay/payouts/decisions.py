"""Confirm and cancel what waits; of a cancellation and a worker that takes the payout up, one wins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.among import among
from cloudpay.ledger.outgoing import post_void_many
from cloudpay.merchants.idempotency import StoredAnswer, once, remember
from cloudpay.merchants.principal import Principal
from cloudpay.payouts import limits
from cloudpay.payouts.changes import complete, enter, lock_batch
from cloudpay.payouts.errors import (
    ApprovalNeeded,
    NotConfirmable,
    PayoutNotCancellable,
    UnknownBatch,
    UnknownPayout,
)
from cloudpay.payouts.funds import outgoing
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.payouts.release import release
from cloudpay.payouts.service import find_batch, find_payout
from cloudpay.payouts.states import PayoutStatus
from cloudpay.payouts.views import BatchView, PayoutView, batch_status, payout_view
from cloudpay.transactions.models import SpendRow
from cloudpay.transactions.service import withdraw_spends

RenderBatch = Callable[[BatchView], str]
RenderPayout = Callable[[PayoutView], str]


@dataclass(frozen=True)
class Chosen:
    """A locked batch and those of its payouts that are decided about; `name` is for sentences."""

    batch: BatchRow
    payouts: Sequence[PayoutRow]
    name: str

    @property
    def status(self) -> str:
        """Where what was chosen stands."""
        if len(self.payouts) == 1:
            return self.payouts[0].status
        return batch_status(self.batch.awaiting, self.batch.open).value


def confirm_batch(
    gateway: Gateway, principal: Principal, batch_id: str, key: str | None, render: RenderBatch
) -> StoredAnswer:
    """Let all that waits in a batch go out; raises `UnknownBatch`, `NotConfirmable` and what limits raise."""

    def decide(session: Session) -> str:
        confirm(session, gateway, principal, choose_batch(session, principal, batch_id))
        return render(find_batch(session, principal, batch_id))

    return _once(gateway, principal, "POST /api/payout/batch/confirm", batch_id, key, decide)


def confirm_payout(
    gateway: Gateway, principal: Principal, payout_id: str, key: str | None, render: RenderPayout
) -> StoredAnswer:
    """Let one payout go out; raises `UnknownPayout`, `NotConfirmable` and what limits raise."""

    def decide(session: Session) -> str:
        confirm(session, gateway, principal, choose_payout(session, principal, payout_id))
        return render(find_payout(session, principal, payout_id))

    return _once(gateway, principal, "POST /api/payout/confirm", payout_id, key, decide)


def cancel_batch(
    gateway: Gateway, principal: Principal, batch_id: str, key: str | None, render: RenderBatch
) -> StoredAnswer:
    """Take back all of a batch that is not signed; raises `UnknownBatch` and `PayoutNotCancellable`."""

    def decide(session: Session) -> str:
        cancel(session, gateway, principal.actor, choose_batch(session, principal, batch_id))
        return render(find_batch(session, principal, batch_id))

    return _once(gateway, principal, "POST /api/payout/batch/cancel", batch_id, key, decide)


def cancel_payout(
    gateway: Gateway, principal: Principal, payout_id: str, key: str | None, render: RenderPayout
) -> StoredAnswer:
    """Take one payout back; raises `UnknownPayout` and `PayoutNotCancellable`."""

    def decide(session: Session) -> str:
        cancel(session, gateway, principal.actor, choose_payout(session, principal, payout_id))
        return render(find_payout(session, principal, payout_id))

    return _once(gateway, principal, "POST /api/payout/cancel", payout_id, key, decide)


def confirm(session: Session, gateway: Gateway, principal: Principal, chosen: Chosen) -> None:
    """Confirm by a key, inside its limits; raises `ApprovalNeeded` above the merchant's threshold."""
    if chosen.batch.approvals_needed:
        raise ApprovalNeeded(chosen.batch.id, chosen.batch.approvals_needed)
    holder = limits.Holder(principal.merchant_id, principal.key_id)
    let_go(session, gateway, holder, chosen, actor=principal.actor)


def let_go(session: Session, gateway: Gateway, holder: limits.Holder, chosen: Chosen, *, actor: str) -> None:
    """Queue what waits among these, count it against the limits and hand it to the engine."""
    now = gateway.clock.now(session)
    waiting = [each for each in chosen.payouts if each.status == PayoutStatus.AWAITING_CONFIRMATION]
    if not waiting:
        raise NotConfirmable(chosen.name, chosen.status)
    views = [payout_view(each) for each in waiting]
    limits.take(session, holder, views, now, seen=chosen.batch.approvals_needed > 0)
    for each in waiting:
        enter(chosen.batch, each, PayoutStatus.QUEUED, now)
    release(session, gateway, views)
    _record(session, chosen.batch, actor, "payouts.confirmed", chosen, len(waiting))


def cancel(session: Session, gateway: Gateway, actor: str, chosen: Chosen) -> None:
    """Take back what is not signed among these, and give back what was reserved for it."""
    now = gateway.clock.now(session)
    queued = [each.id for each in chosen.payouts if each.status == PayoutStatus.QUEUED]
    caught = withdraw_spends(session, gateway, queued) if queued else frozenset()
    cancelled = [
        each
        for each in chosen.payouts
        if each.id in caught or each.status == PayoutStatus.AWAITING_CONFIRMATION
    ]
    if not cancelled:
        raise PayoutNotCancellable(chosen.name, chosen.status)
    promised = _promised(session, caught)
    void = [outgoing(payout_view(each), promised.get(each.id)) for each in cancelled]
    post_void_many(session, void, now)
    for each in cancelled:
        enter(chosen.batch, each, PayoutStatus.CANCELLED, now)
    complete(session, gateway, chosen.batch, now)
    _record(session, chosen.batch, actor, "payouts.cancelled", chosen, len(cancelled))


def choose_batch(session: Session, principal: Principal, batch_id: str) -> Chosen:
    """Lock a batch of this merchant and mode; raises `UnknownBatch`."""
    mine = (BatchRow.merchant_id == principal.merchant_id, BatchRow.livemode == principal.livemode)
    if session.scalar(select(BatchRow.id).where(BatchRow.id == batch_id, *mine)) is None:
        raise UnknownBatch(batch_id)
    batch = lock_batch(session, batch_id)
    rows = select(PayoutRow).where(PayoutRow.batch_id == batch_id).order_by(PayoutRow.position)
    return Chosen(batch, session.scalars(rows).all(), f"The batch {batch_id}")


def choose_payout(session: Session, principal: Principal, payout_id: str) -> Chosen:
    """Lock one payout of this merchant and mode, and its batch; raises `UnknownPayout`."""
    mine = (PayoutRow.merchant_id == principal.merchant_id, PayoutRow.livemode == principal.livemode)
    batch_id = session.scalar(select(PayoutRow.batch_id).where(PayoutRow.id == payout_id, *mine))
    if batch_id is None:
        raise UnknownPayout(payout_id)
    batch = lock_batch(session, batch_id)
    payout = session.get_one(PayoutRow, payout_id, populate_existing=True)
    return Chosen(batch, [payout], f"The payout {payout_id}")


def _promised(session: Session, ids: frozenset[str]) -> dict[str, int]:
    """Answer what is promised for the fees of spends by now: one that expired may have been bidding before."""
    found = select(SpendRow.id, SpendRow.fee_reserved).where(among(session, SpendRow.id, ids))
    return {row.id: row.fee_reserved for row in session.execute(found)}


def _once(
    gateway: Gateway,
    principal: Principal,
    route: str,
    thing: str,
    key: str | None,
    decide: Callable[[Session], str],
) -> StoredAnswer:
    def work(session: Session) -> StoredAnswer:
        earlier = once(session, gateway, principal, route, key, {"id": thing})
        if earlier is not None:
            return earlier
        return remember(session, principal, route, key, 200, decide(session))

    return gateway.db.run(work)


def _record(session: Session, batch: BatchRow, actor: str, action: str, chosen: Chosen, count: int) -> None:
    subject = chosen.payouts[0].id if chosen.name.startswith("The payout") else batch.id
    record(
        session,
        actor=actor,
        action=action,
        subject=subject,
        merchant_id=batch.merchant_id,
        livemode=batch.livemode,
        details={"payouts": str(count)},
    )
