"""Forget deliveries that ended long ago, with their attempts: they tell of invoices, which stay."""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.pruning import BATCH
from cloudpay.kernel.pruning import prune as prune_batches
from cloudpay.webhooks.models import Attempt, Delivery


def prune(gateway: Gateway) -> int:
    """Forget what finished before the retention; answer how many deliveries. One that is sent again stays."""
    kept = timedelta(days=gateway.settings.retention.webhooks_days)

    def batch(session: Session) -> int:
        old = Delivery.finished_at < gateway.clock.now(session) - kept
        # Locked, so that nobody has one sent again meanwhile.
        found = select(Delivery.id).where(old).order_by(Delivery.finished_at).limit(BATCH)
        ids = session.scalars(found.with_for_update(skip_locked=True)).all()
        changed_rows(session, delete(Attempt).where(Attempt.delivery_id.in_(ids)))
        return changed_rows(session, delete(Delivery).where(Delivery.id.in_(ids)))

    return prune_batches(gateway.db, batch)
