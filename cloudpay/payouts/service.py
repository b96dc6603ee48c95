"""Show and list payouts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import table_of
from cloudpay.kernel.paging import Page, Paging, fetch_page
from cloudpay.merchants.principal import Principal
from cloudpay.payouts.errors import UnknownBatch, UnknownPayout
from cloudpay.payouts.known import payouts_of
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.payouts.states import PayoutStatus
from cloudpay.payouts.views import BatchView, PayoutView, batch_view, payout_view

_PAYOUT, _BATCH = table_of(PayoutRow), table_of(BatchRow)
_EXPORTED_AT_ONCE = 1000


@dataclass(frozen=True)
class Filters:
    """Which payouts are wanted; None does not filter."""

    status: PayoutStatus | None = None
    network: str | None = None
    currency: str | None = None
    external_id: str | None = None
    batch_id: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


def get(gateway: Gateway, principal: Principal, payout_id: str) -> PayoutView:
    """Answer one of the merchant's payouts; raises `UnknownPayout`."""
    return gateway.db.ask(lambda connection: find_payout(connection, principal, payout_id))


def get_batch(gateway: Gateway, principal: Principal, batch_id: str) -> BatchView:
    """Answer one of the merchant's batches with its payouts; raises `UnknownBatch`."""
    with gateway.db.read() as session:
        return find_batch(session, principal, batch_id)


def history(gateway: Gateway, principal: Principal, filters: Filters, paging: Paging) -> Page[PayoutView]:
    """Answer a page of the merchant's payouts, newest first."""
    wanted = _wanted(gateway, principal, filters)
    with gateway.db.read() as session:
        return fetch_page(session, wanted, paging, by=PayoutRow.id).map(payout_view)


def export(gateway: Gateway, principal: Principal, filters: Filters) -> Iterator[PayoutView]:
    """Answer all of them, newest first, a thousand at a time: no session is kept open for a slow reader."""
    wanted = _wanted(gateway, principal, filters).order_by(PayoutRow.id.desc()).limit(_EXPORTED_AT_ONCE)

    def pages() -> Iterator[PayoutView]:
        last: str | None = None
        while True:
            part = wanted if last is None else wanted.where(PayoutRow.id < last)
            with gateway.db.read() as session:
                found = [payout_view(row) for row in session.scalars(part)]
            yield from found
            if len(found) < _EXPORTED_AT_ONCE:
                return
            last = found[-1].id

    return pages()


def find_payout(asked: Connection | Session, principal: Principal, payout_id: str) -> PayoutView:
    """Find a payout of this merchant and mode; another's is not found by the same statement as nobody's."""
    mine = _mine(_PAYOUT.c, principal)
    if isinstance(asked, Session):
        asked.flush()
    row = asked.execute(select(*_PAYOUT.c).where(_PAYOUT.c.id == payout_id, *mine)).one_or_none()
    if row is None:
        raise UnknownPayout(payout_id)
    return payout_view(row)


def find_batch(session: Session, principal: Principal, batch_id: str) -> BatchView:
    """Find a batch of this merchant and mode with its payouts; raises `UnknownBatch`."""
    session.flush()
    row = session.execute(
        select(*_BATCH.c).where(_BATCH.c.id == batch_id, *_mine(_BATCH.c, principal))
    ).one_or_none()
    if row is None:
        raise UnknownBatch(batch_id)
    return batch_view(row, payouts_of(session, batch_id))


def _mine(columns: Any, principal: Principal) -> tuple[Any, ...]:
    return columns.merchant_id == principal.merchant_id, columns.livemode == principal.livemode


def _wanted(gateway: Gateway, principal: Principal, filters: Filters) -> Select[PayoutRow]:
    wanted = select(PayoutRow).where(*_mine(PayoutRow, principal))
    if filters.status is not None:
        wanted = wanted.where(PayoutRow.status == filters.status)
    if filters.network is not None:
        wanted = wanted.where(PayoutRow.network == gateway.chains.network(filters.network).code)
    if filters.currency is not None:
        symbols = {
            each.symbol
            for network in gateway.chains
            for each in network.assets
            if each.symbol.upper() == filters.currency.upper()
        }
        wanted = wanted.where(PayoutRow.symbol.in_(symbols or {filters.currency}))
    if filters.external_id is not None:
        wanted = wanted.where(PayoutRow.external_id == filters.external_id)
    if filters.batch_id is not None:
        wanted = wanted.where(PayoutRow.batch_id == filters.batch_id)
    if filters.created_from is not None:
        wanted = wanted.where(PayoutRow.created_at >= filters.created_from)
    if filters.created_to is not None:
        wanted = wanted.where(PayoutRow.created_at < filters.created_to)
    return wanted
