"""A batch that comes to be above the merchant's threshold stays so, also where what found it out was refused."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.payouts import limits
from cloudpay.payouts.changes import lock_batch
from cloudpay.payouts.models import ApprovalRow

APPROVALS = 2
"""How many users must agree above the threshold."""

Result = TypeVar("Result")


def decided(gateway: Gateway, actor: str, work: Callable[[Session], Result]) -> Result:
    """Do `work` in a transaction, and once more where it meets the threshold: then the batch is one for people."""
    try:
        return gateway.db.run(work)
    except limits.AboveThresholdError as above:
        gateway.db.run(partial(_escalate, batch_id=above.batch_id, actor=actor))
        return gateway.db.run(work)


def _escalate(session: Session, batch_id: str, actor: str) -> None:
    """Have two users agree to all that waits in a batch; whoever had agreed had seen a part of it at most."""
    batch = lock_batch(session, batch_id)
    if batch.approvals_needed or not batch.awaiting:
        return
    batch.approvals_needed = APPROVALS
    session.execute(delete(ApprovalRow).where(ApprovalRow.batch_id == batch_id))
    record(
        session,
        actor=actor,
        action="payouts.approval_needed",
        subject=batch_id,
        merchant_id=batch.merchant_id,
        livemode=batch.livemode,
        details={"users": str(APPROVALS)},
    )
