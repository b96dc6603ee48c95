"""Whether there is anything to do for a network: one statement, so that no chain library is loaded for nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Exists, exists, or_, select
from sqlalchemy.orm import Session

from cloudpay.kernel.db import table_of
from cloudpay.transactions.models import TransactionRow
from cloudpay.transactions.rows import SPEND
from cloudpay.transactions.states import UNDECIDED, SpendStatus

_TRANSACTION = table_of(TransactionRow)


@dataclass(frozen=True)
class Work:
    """Whether spends may be signed now, and whether the chain is to be looked at."""

    queued: bool
    watched: bool

    def __bool__(self) -> bool:
        return self.queued or self.watched


def work_waits(session: Session, network: str, now: datetime) -> Work:
    """Answer what there is to do for a network."""
    queued = exists().where(
        SPEND.c.network == network,
        SPEND.c.status == SpendStatus.QUEUED.value,
        SPEND.c.waits_for.is_(None),
        SPEND.c.due_at <= now,
    )
    row = session.execute(select(queued.label("queued"), _watched(network).label("watched"))).one()
    return Work(bool(row.queued), bool(row.watched))


def any_watched(session: Session, network: str) -> bool:
    """Say whether the chain is to be looked at for any transaction of a network."""
    return bool(session.scalar(select(_watched(network))))


def _watched(network: str) -> Exists:
    columns = _TRANSACTION.c
    return exists().where(
        columns.network == network,
        or_(columns.status.in_([each.value for each in UNDECIDED]), columns.look_at.is_not(None)),
    )


def any_queued(session: Session, network: str) -> bool:
    """Say whether anything is queued on a network, whether or not it is due."""
    queued = select(SPEND.c.id).where(SPEND.c.network == network, SPEND.c.status == SpendStatus.QUEUED.value)
    return session.scalar(queued.limit(1)) is not None
