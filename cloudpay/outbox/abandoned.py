"""Events that a process had claimed when it was killed."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.holders import gone
from cloudpay.outbox.models import OutboxRow


def release_abandoned(gateway: Gateway) -> int:
    """Let go at once of what was claimed by a process that is gone; the rest waits until its claim runs out."""

    def work(session: Session) -> int:
        waiting = OutboxRow.handled_at.is_(None)
        dead = gone(session.scalars(select(OutboxRow.claim).where(waiting).distinct()))
        late = update(OutboxRow).where(waiting, OutboxRow.claim.in_(dead))
        return changed_rows(session, late.values(claim=None, claimed_until=None))

    return gateway.db.run(work)
