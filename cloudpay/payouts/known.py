"""Money rule 6: an external id is used for ever. What was asked for before is answered as it was, or refused."""

from collections.abc import Mapping
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from cloudpay.kernel.among import among
from cloudpay.kernel.db import table_of
from cloudpay.merchants.idempotency import fingerprint
from cloudpay.merchants.principal import Principal
from cloudpay.payouts.errors import PayoutIdReused, PayoutIdsMixed
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.payouts.states import PayoutStatus
from cloudpay.payouts.views import (
    BatchView,
    NewBatch,
    NewItem,
    PayoutView,
    as_accepted,
    batch_view,
    payout_view,
)

_PAYOUT = table_of(PayoutRow).c


def item_hash(item: NewItem, batch: NewBatch) -> str:
    """Answer the fingerprint of an item as it was submitted: with what the batch says for all, before any default."""
    tier = item.tier or batch.tier
    network, currency = item.network or batch.network, item.currency or batch.currency
    return fingerprint([item.address, _plain(item.amount), network, currency, tier and tier.value, item.memo])


def _plain(amount: Decimal) -> str:
    """Write an amount without trailing zeros and to its last digit, which arithmetic of 28 digits would round away."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def batch_hash(batch: NewBatch, hashes: Mapping[str, str]) -> str:
    """Answer the fingerprint of a batch, in whatever order its items came; `hashes` are theirs, by external id."""
    return fingerprint([batch.auto_confirm, batch.callback_url, sorted(hashes.items())])


def earlier_batch(
    session: Session, principal: Principal, content_hash: str, hashes: Mapping[str, str]
) -> BatchView | None:
    """Answer the batch that these very items were accepted as, as it was then; None when all of their ids are new.

    Raises `PayoutIdsMixed` and `PayoutIdReused`.
    """
    wanted = select(_PAYOUT.external_id, _PAYOUT.content_hash, _PAYOUT.batch_id).where(
        _PAYOUT.merchant_id == principal.merchant_id, among(session, PayoutRow.external_id, hashes)
    )
    known = session.execute(wanted).all()
    if not known:
        return None
    changed = [each.external_id for each in known if hashes[each.external_id] != each.content_hash]
    if changed:
        raise PayoutIdReused(changed, "for payouts of another content")
    if len(known) < len(hashes):
        raise PayoutIdsMixed([each.external_id for each in known], len(hashes))
    batch = session.get_one(BatchRow, known[0].batch_id)
    if batch.content_hash != content_hash:
        raise PayoutIdReused(hashes, "in another batch, or with another `auto_confirm` or `callback_url`")
    view = batch_view(batch, payouts_of(session, batch.id))
    return as_accepted(view, PayoutStatus(batch.accepted_as), batch.accepted_approvals)


def payouts_of(session: Session, batch_id: str) -> tuple[PayoutView, ...]:
    """Answer the payouts of a batch, in the order in which they were asked for."""
    return payouts_where(session, PayoutRow.batch_id == batch_id)


def payouts_where(session: Session, which: ColumnElement[bool]) -> tuple[PayoutView, ...]:
    """Answer these payouts of one batch, in the order in which they were asked for."""
    rows = session.execute(select(*_PAYOUT).where(which).order_by(_PAYOUT.position))
    return tuple(map(payout_view, rows))
