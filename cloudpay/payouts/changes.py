"""A payout follows its spend; what it comes to is told by webhook, with a body that is frozen when it comes to it."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.among import among
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.money import format_amount
from cloudpay.outbox.service import OutboxEvent, Payload, append
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.payouts.states import ENDED, PAYOUT, PayoutStatus
from cloudpay.transactions.models import SpendRow
from cloudpay.transactions.types import SpendKind

CHANGED = "payout.changed"
"""The outbox event whose payload is a webhook."""

CONFIRMED, FAILED, COMPLETED = "payout.confirmed", "payout.failed", "batch.completed"
EVENT_TYPES = (CONFIRMED, FAILED, COMPLETED)

_TOGETHER = 500

Body = dict[str, str | int | bool | None]

_TOLD = {PayoutStatus.CONFIRMED: CONFIRMED, PayoutStatus.FAILED: FAILED}


def apply_spends(gateway: Gateway, events: Sequence[OutboxEvent]) -> None:
    """Bring payouts to where their spends stand now, and others of their batches with them; nothing is told twice.

    So of a large batch's events most find nothing left to do, and all of them together cost one look.
    """
    subjects = {event.subject for event in events if event.payload["kind"] == SpendKind.PAYOUT}
    if not subjects:
        return
    behind: defaultdict[str, list[str]] = defaultdict(list)
    with gateway.db.read() as session:
        found = select(PayoutRow.batch_id, PayoutRow.id).where(among(session, PayoutRow.id, subjects))
        for batch_id, payout_id in session.execute(_is_behind(found).order_by(PayoutRow.batch_id)):
            behind[batch_id].append(payout_id)
    for batch_id, ids in behind.items():
        for start in range(0, len(ids), _TOGETHER):
            some = ids[start : start + _TOGETHER]
            gateway.db.run(partial(_follow, gateway=gateway, batch_id=batch_id, payout_ids=some))
            passing(Failpoint.PAYOUT_COMMITTED)


def enter(batch: BatchRow, payout: PayoutRow, status: PayoutStatus, now: datetime) -> None:
    """Move a payout to another state and keep its batch's counts; both rows are locked by the caller."""
    was = PayoutStatus(payout.status)
    payout.status = PAYOUT.check(was, status)
    if was is PayoutStatus.AWAITING_CONFIRMATION:
        batch.awaiting -= 1
    if status is PayoutStatus.QUEUED and payout.queued_at is None:
        payout.queued_at = now
    ended, ends = was in ENDED, status in ENDED
    batch.open += int(ended) - int(ends)
    payout.ended_at = (payout.ended_at if ended else now) if ends else None


def enter_all(
    session: Session,
    batch: BatchRow,
    which: ColumnElement[bool],
    current: PayoutStatus,
    wanted: PayoutStatus,
    now: datetime,
) -> frozenset[str]:
    """Move those of a locked batch's payouts that are `current`, at once; answer which, and keep its counts."""
    times: dict[str, Any] = {"queued_at": now} if wanted is PayoutStatus.QUEUED else {}
    times |= {"ended_at": now} if wanted in ENDED else {}
    statement = update(PayoutRow).where(which, PayoutRow.status == current).returning(PayoutRow.id)
    values = {"status": PAYOUT.check(current, wanted).value, **times}
    plain = statement.values(**values).execution_options(synchronize_session=False)
    moved = frozenset(session.scalars(plain))
    batch.awaiting -= len(moved) if current is PayoutStatus.AWAITING_CONFIRMATION else 0
    batch.open -= len(moved) if wanted in ENDED else 0
    return moved


def complete(session: Session, gateway: Gateway, batch: BatchRow, now: datetime) -> None:
    """Tell that a batch is done when its last payout has ended; once, whatever a reorganisation does later."""
    if batch.open == 0 and batch.completed_at is None:
        batch.completed_at = now
        _tell(session, gateway, batch, batch.id, COMPLETED, batch_body(session, batch))


def lock_batch(session: Session, batch_id: str) -> BatchRow:
    """Lock a batch before any of its payouts, so that two who change them cannot wait for each other."""
    return session.get_one(BatchRow, batch_id, with_for_update=True, populate_existing=True)


def _is_behind(payouts: Any) -> Any:
    """Of these payouts, those that do not stand where their spends do."""
    return payouts.join(SpendRow, SpendRow.id == PayoutRow.id).where(
        or_(
            PayoutRow.status != SpendRow.status,
            PayoutRow.tx_id.is_distinct_from(SpendRow.tx_id),
            PayoutRow.fee.is_distinct_from(SpendRow.fee),
            PayoutRow.reason != SpendRow.reason,
        )
    )


def _follow(session: Session, gateway: Gateway, batch_id: str, payout_ids: Sequence[str]) -> None:
    batch, now = lock_batch(session, batch_id), gateway.clock.now(session)
    mine = _is_behind(select(PayoutRow, SpendRow).where(PayoutRow.batch_id == batch_id))
    first = mine.order_by(PayoutRow.id.not_in(payout_ids), PayoutRow.position).limit(_TOGETHER)
    for payout, spend in session.execute(first.with_for_update(of=PayoutRow)).all():
        payout.tx_id, payout.fee, payout.reason = spend.tx_id, spend.fee, spend.reason
        status = PayoutStatus(spend.status)
        if status == payout.status:
            continue
        enter(batch, payout, status, now)
        if status in _TOLD:
            body = payout_body(gateway, payout, _TOLD[status])
            _tell(session, gateway, batch, payout.id, _TOLD[status], body)
    complete(session, gateway, batch, now)
    passing(Failpoint.PAYOUT_FOLLOWED)


def _tell(
    session: Session,
    gateway: Gateway,
    batch: BatchRow,
    subject: str,
    event_type: str,
    body: Body,
) -> None:
    """Append the webhook; its id says what it tells, so that the same is never told twice."""
    payload: Payload = {
        "event_id": f"evt_{subject}_{event_type.rpartition('.')[2]}",
        "event_type": event_type,
        "merchant_id": batch.merchant_id,
        "livemode": batch.livemode,
        "url": batch.callback_url,
        "body": json.dumps({**body, "timestamp": gateway.clock.now(session).isoformat()}),
    }
    append(session, gateway.clock, CHANGED, subject, payload)


def payout_body(gateway: Gateway, payout: PayoutRow, event_type: str) -> Body:
    """Answer what the webhook of a payout says; further keys only ever join behind."""
    network = gateway.chains.get(payout.network)
    fee = None if payout.fee is None or network is None else payout.fee
    return {
        "status": payout.status,
        "id": payout.external_id,
        "payout_id": payout.id,
        "batch_id": payout.batch_id,
        "amount": format_amount(payout.amount, payout.decimals),
        "currency": payout.symbol,
        "network": payout.network,
        "address": payout.address,
        "tx_hash": payout.tx_id,
        "fee": None if fee is None or network is None else format_amount(fee, network.native.decimals),
        "fee_currency": network.native.symbol if network else None,
        "reason": payout.reason or None,
        "type": event_type,
        "livemode": payout.livemode,
    }


def batch_body(session: Session, batch: BatchRow) -> Body:
    """Answer what the webhook of a completed batch says: how many of its payouts ended how."""
    session.flush()
    mine = select(PayoutRow.status, func.count()).where(PayoutRow.batch_id == batch.id)
    counted = {status: count for status, count in session.execute(mine.group_by(PayoutRow.status))}  # noqa: C416  # rows
    return {
        "status": "completed",
        "batch_id": batch.id,
        "count": batch.items,
        **{each.value: counted.get(each.value, 0) for each in sorted(ENDED)},
        "type": COMPLETED,
        "livemode": batch.livemode,
    }
