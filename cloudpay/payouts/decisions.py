"""Confirm and cancel what waits; of a cancellation and a worker that takes the payout up, one wins."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.among import among
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.ledger.outgoing import post_void_many
from cloudpay.merchants.idempotency import StoredAnswer, once, remember
from cloudpay.merchants.principal import Principal
from cloudpay.payouts import limits
from cloudpay.payouts.changes import complete, enter_all, lock_batch
from cloudpay.payouts.errors import (
    ApprovalNeeded,
    NotConfirmable,
    PayoutNotCancellable,
    UnknownBatch,
)
from cloudpay.payouts.escalation import decided
from cloudpay.payouts.funds import outgoing
from cloudpay.payouts.known import payouts_where
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.payouts.release import release
from cloudpay.payouts.service import find_payout
from cloudpay.payouts.states import PayoutStatus
from cloudpay.payouts.views import BatchView, PayoutView, batch_status, batch_view
from cloudpay.transactions.models import SpendRow
from cloudpay.transactions.service import withdraw_spends


class Decision(StrEnum):
    """What is decided about what waits."""

    CONFIRM = "confirm"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Chosen:
    """A locked batch, and one payout of it where that alone is decided about."""

    batch: BatchRow
    payout_id: str | None = None

    @property
    def name(self) -> str:
        """What a sentence calls it."""
        return f"The payout {self.payout_id}" if self.payout_id else f"The batch {self.batch.id}"

    @property
    def which(self) -> ColumnElement[bool]:
        """The condition that a payout is among these."""
        if self.payout_id is None:
            return PayoutRow.batch_id == self.batch.id
        return PayoutRow.id == self.payout_id

    def status(self, session: Session) -> str:
        """Where what was chosen stands."""
        if self.payout_id is None:
            return batch_status(self.batch.awaiting, self.batch.open).value
        return session.scalars(select(PayoutRow.status).where(self.which)).one()

    def payouts(self, session: Session) -> tuple[PayoutView, ...]:
        """Answer all of them, in the order in which they were asked for."""
        return payouts_where(session, self.which)


def decide_batch(
    gateway: Gateway,
    principal: Principal,
    decision: Decision,
    batch_id: str,
    key: str | None,
    render: Callable[[BatchView], str],
) -> StoredAnswer:
    """Let all that waits in a batch go out, or take back all of it that is not signed.

    Raises `UnknownBatch`, `NotConfirmable`, `PayoutNotCancellable` and what limits raise.
    """

    def decide(session: Session) -> str:
        chosen = choose_batch(session, principal, batch_id)
        payouts = _carry_out(session, gateway, principal, decision, chosen)
        return render(batch_view(chosen.batch, payouts))

    route = f"POST /api/payout/batch/{decision}"
    return _once(gateway, principal, route, batch_id, key, decide)


def decide_payout(
    gateway: Gateway,
    principal: Principal,
    decision: Decision,
    payout_id: str,
    key: str | None,
    render: Callable[[PayoutView], str],
) -> StoredAnswer:
    """Let one payout go out, or take it back, as `decide_batch` does a batch; raises `UnknownPayout` instead."""

    def decide(session: Session) -> str:
        chosen = choose_payout(session, principal, payout_id)
        [payout] = _carry_out(session, gateway, principal, decision, chosen)
        return render(payout)

    return _once(gateway, principal, f"POST /api/payout/{decision}", payout_id, key, decide)


def let_go(
    session: Session, gateway: Gateway, holder: limits.Holder, chosen: Chosen, *, actor: str
) -> tuple[PayoutView, ...]:
    """Queue what waits among these, count it against the limits and hand it to the engine; answer them all.

    Raises `NotConfirmable`, `PayoutLimitExceeded`, and `AboveThresholdError`, which `decided` is there for.
    """
    now = gateway.clock.now(session)
    moved = enter_all(
        session, chosen.batch, chosen.which, PayoutStatus.AWAITING_CONFIRMATION, PayoutStatus.QUEUED, now
    )
    if not moved:
        raise NotConfirmable(chosen.name, chosen.status(session))
    payouts = chosen.payouts(session)
    queued = [each for each in payouts if each.id in moved]
    limits.take(session, holder, queued, now, seen=chosen.batch.approvals_needed > 0)
    release(session, gateway, queued)
    passing(Failpoint.PAYOUT_CONFIRMED)
    _record(session, actor, "payouts.confirmed", chosen, len(queued))
    return payouts


def cancel(session: Session, gateway: Gateway, actor: str, chosen: Chosen) -> tuple[PayoutView, ...]:
    """Take back what is not signed among these, and give back what was reserved for it; answer them all."""
    now, batch = gateway.clock.now(session), chosen.batch
    queued = select(PayoutRow.id).where(chosen.which, PayoutRow.status == PayoutStatus.QUEUED)
    caught = withdraw_spends(session, gateway, session.scalars(queued).all())
    passing(Failpoint.PAYOUT_WITHDRAWN)
    unsigned = among(session, PayoutRow.id, caught)
    moved = enter_all(
        session, batch, chosen.which, PayoutStatus.AWAITING_CONFIRMATION, PayoutStatus.CANCELLED, now
    ) | enter_all(session, batch, unsigned, PayoutStatus.QUEUED, PayoutStatus.CANCELLED, now)
    if not moved:
        raise PayoutNotCancellable(chosen.name, chosen.status(session))
    payouts, promised = chosen.payouts(session), _promised(session, caught)
    void = [outgoing(each, promised.get(each.id)) for each in payouts if each.id in moved]
    post_void_many(session, void, now)
    complete(session, gateway, batch, now)
    passing(Failpoint.PAYOUT_CANCELLED)
    _record(session, actor, "payouts.cancelled", chosen, len(moved))
    return payouts


def choose_batch(session: Session, principal: Principal, batch_id: str) -> Chosen:
    """Lock a batch of this merchant and mode; raises `UnknownBatch`."""
    mine = (BatchRow.merchant_id == principal.merchant_id, BatchRow.livemode == principal.livemode)
    if session.scalar(select(BatchRow.id).where(BatchRow.id == batch_id, *mine)) is None:
        raise UnknownBatch(batch_id)
    return Chosen(lock_batch(session, batch_id))


def choose_payout(session: Session, principal: Principal, payout_id: str) -> Chosen:
    """Lock the batch of one payout of this merchant and mode; raises `UnknownPayout`."""
    batch_id = find_payout(session, principal, payout_id).batch_id
    return Chosen(lock_batch(session, batch_id), payout_id)


def _carry_out(
    session: Session, gateway: Gateway, principal: Principal, decision: Decision, chosen: Chosen
) -> tuple[PayoutView, ...]:
    """Do it by a key, which confirms inside its limits, and nothing above the merchant's threshold.

    Whether it is above it is judged again when it goes out: more went out since, or the threshold is another one.
    """
    if decision is Decision.CANCEL:
        return cancel(session, gateway, principal.actor, chosen)
    if chosen.batch.approvals_needed:
        raise ApprovalNeeded(chosen.batch.id, chosen.batch.approvals_needed)
    holder = limits.Holder(principal.merchant_id, principal.key_id)
    return let_go(session, gateway, holder, chosen, actor=principal.actor)


def _promised(session: Session, ids: Collection[str]) -> dict[str, int]:
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

    answer = decided(gateway, principal.actor, work)
    passing(Failpoint.PAYOUT_DECIDED)
    return answer


def _record(session: Session, actor: str, action: str, chosen: Chosen, count: int) -> None:
    record(
        session,
        actor=actor,
        action=action,
        subject=chosen.payout_id or chosen.batch.id,
        merchant_id=chosen.batch.merchant_id,
        livemode=chosen.batch.livemode,
        details={"payouts": str(count)},
    )
