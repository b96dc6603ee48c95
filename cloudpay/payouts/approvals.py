"""What people decide: confirm and cancel by name, and, above the merchant's threshold, two of them together."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.merchants.errors import InvalidField
from cloudpay.merchants.models import User
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import merchant_of
from cloudpay.merchants.states import Role
from cloudpay.payouts import limits
from cloudpay.payouts.decisions import Chosen, cancel, choose_batch, choose_payout, let_go
from cloudpay.payouts.errors import NotConfirmable
from cloudpay.payouts.escalation import decided
from cloudpay.payouts.models import ApprovalRow, PayoutRow
from cloudpay.payouts.service import find_batch
from cloudpay.payouts.states import PayoutStatus
from cloudpay.payouts.views import BatchView

_MAY_DECIDE = frozenset({Role.OWNER, Role.ADMIN, Role.OPERATOR})


@dataclass(frozen=True)
class Decision:
    """What a person's word led to: the batch as it stands, and how many have agreed of those who must."""

    batch: BatchView
    approvals: int


def agree(gateway: Gateway, merchant_id: str, thing: str, email: str, *, actor: str) -> Decision:
    """Confirm a batch (`bat_…`) or a payout of it (`po_…`) as a user; the last one who is needed lets it go.

    How many are needed is judged when it would go out: one user alone is the first of two where it is too much by then.
    Raises `InvalidField`, `UnknownBatch`, `UnknownPayout`, `NotConfirmable`, `PayoutLimitExceeded`.
    """

    def work(session: Session) -> Decision:
        principal, chosen = _choose(session, merchant_id, thing)
        if not _waits(session, chosen):
            raise NotConfirmable(chosen.name, chosen.status(session))
        _require_whole(chosen)
        user = _user(session, merchant_id, email)
        approvals = _approve(session, gateway, chosen, user, actor)
        if approvals >= chosen.batch.approvals_needed:
            holder = limits.Holder(merchant_id, None)
            let_go(session, gateway, holder, chosen, actor=f"user:{user.id}")
        return Decision(find_batch(session, principal, chosen.batch.id), approvals)

    return decided(gateway, actor, work)


def take_back(gateway: Gateway, merchant_id: str, thing: str, *, actor: str) -> BatchView:
    """Cancel a batch or a payout of it; raises `UnknownBatch`, `UnknownPayout`, `PayoutNotCancellable`."""

    def work(session: Session) -> BatchView:
        principal, chosen = _choose(session, merchant_id, thing)
        cancel(session, gateway, actor, chosen)
        return find_batch(session, principal, chosen.batch.id)

    return gateway.db.run(work)


def _choose(session: Session, merchant_id: str, thing: str) -> tuple[Principal, Chosen]:
    merchant = merchant_of(session, merchant_id)
    principal = Principal("cli", merchant.id, merchant.livemode, frozenset())
    choose = choose_batch if thing.startswith("bat_") else choose_payout
    return principal, choose(session, principal, thing)


def _waits(session: Session, chosen: Chosen) -> bool:
    waiting = PayoutRow.status == PayoutStatus.AWAITING_CONFIRMATION
    return session.scalar(select(PayoutRow.id).where(chosen.which, waiting).limit(1)) is not None


def _require_whole(chosen: Chosen) -> None:
    """Whoever agrees must have seen all of it: two who agree to different parts have agreed to neither."""
    if chosen.batch.approvals_needed and chosen.payout_id is not None and chosen.batch.items > 1:
        raise InvalidField("id", f"Two users must agree to all of it: confirm the batch, {chosen.batch.id}.")


def _user(session: Session, merchant_id: str, email: str) -> User:
    wanted = select(User).where(User.merchant_id == merchant_id, User.email == email.lower())
    user = session.scalar(wanted)
    if user is None:
        raise InvalidField(
            "user", f"This merchant has no user {email!r}; see `cloudpay user list {merchant_id}`."
        )
    if Role(user.role) not in _MAY_DECIDE:
        raise InvalidField(
            "user", f"{email!r} is a {user.role}, who may look at payouts and not confirm them."
        )
    return user


def _approve(session: Session, gateway: Gateway, chosen: Chosen, user: User, actor: str) -> int:
    """Keep a user's word, once; answer how many different users have agreed to the batch."""
    row = {
        "batch_id": chosen.batch.id,
        "user_id": user.id,
        "approved_at": gateway.clock.now(session),
    }
    if insert_if_absent(session, ApprovalRow, row, "batch_id", "user_id"):
        record(
            session,
            actor=f"user:{user.id}",
            action="payouts.approved",
            subject=chosen.batch.id,
            merchant_id=chosen.batch.merchant_id,
            livemode=chosen.batch.livemode,
            details={"by": actor},
        )
    counted = select(func.count()).select_from(ApprovalRow).where(ApprovalRow.batch_id == chosen.batch.id)
    return session.scalar(counted) or 0
