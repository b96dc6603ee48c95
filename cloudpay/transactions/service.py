"""What other capabilities ask of the engine: to send, to take back what was not signed, how it went, what it costs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, true
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.db import nudge_after_commit, table_of
from cloudpay.kernel.upsert import upsert
from cloudpay.transactions.changes import Selection, change_spends
from cloudpay.transactions.errors import QuotesMissing
from cloudpay.transactions.models import FeeQuoteRow, QuoteDemandRow, SpendRow
from cloudpay.transactions.states import SpendStatus
from cloudpay.transactions.types import SpendRequest, SpendView

QUEUE = "send"

_SPEND = table_of(SpendRow)
_MANY = 5_000  # below the number of variables that a statement may have, on either database
_VIEWED = (
    _SPEND.c.id,
    _SPEND.c.status,
    _SPEND.c.tx_id,
    _SPEND.c.fee,
    _SPEND.c.reason,
    _SPEND.c.block_height,
)


def request_spends(session: Session, gateway: Gateway, requests: Sequence[SpendRequest]) -> None:
    """Queue spends in the caller's transaction; an id that is there already is left alone."""
    if not requests:
        return
    now = gateway.clock.now(session)
    rows = [
        {
            "id": each.id,
            "kind": each.kind.value,
            "status": SpendStatus.QUEUED.value,
            "merchant_id": each.merchant_id,
            "livemode": each.livemode,
            "network": each.network,
            "source": each.source,
            "account": each.path.account,
            "chain": each.path.chain,
            "index": each.path.index,
            "recipient": each.recipient,
            "asset": each.asset,
            "amount": each.amount,
            "tier": each.tier.value,
            "fee_reserved": each.fee_reserved,
            "fee_limit": each.fee_limit,
            "created_at": now,
            "due_at": now,
            "reason": "",
            "turn": 0,
        }
        for each in requests
    ]
    statement = upsert(session, SpendRow).on_conflict_do_nothing(index_elements=["id"])
    session.connection().execute(statement, rows)
    nudge_after_commit(session, QUEUE)


def request_spends_of(session: Session, gateway: Gateway, wanted: Select[Any]) -> None:
    """Queue what a query answers, without reading it; its columns are named as the fields of `SpendRequest` are.

    `account`, `chain` and `index` stand for the path.
    """
    now, found = gateway.clock.now(session), wanted.subquery()
    rest = {"status": SpendStatus.QUEUED.value, "created_at": now, "due_at": now, "reason": "", "turn": 0}
    columns = [literal(value, _SPEND.c[name].type).label(name) for name, value in rest.items()]
    rows = select(*found.c, *columns).where(
        true()
    )  # SQLite: without a WHERE, ON CONFLICT reads as a join's ON
    names = [*found.c.keys(), *rest]
    statement = upsert(session, SpendRow).from_select(names, rows)
    session.execute(statement.on_conflict_do_nothing(index_elements=["id"]))
    nudge_after_commit(session, QUEUE)


def withdraw_spends(session: Session, gateway: Gateway, ids: Collection[str]) -> frozenset[str]:
    """Cancel those that nothing was signed for yet; answers which these were: the others go out (fault F69)."""
    selection, states = Selection(ids=ids), [SpendStatus.QUEUED]
    return change_spends(session, gateway, selection, states, SpendStatus.CANCELLED, reason="")


def spends(session: Session, ids: Collection[str]) -> Mapping[str, SpendView]:
    """Answer how these spends stand, by id; one that was never requested is not among them."""
    wanted = sorted(ids)
    found: dict[str, SpendView] = {}
    for start in range(0, len(wanted), _MANY):
        part = select(*_VIEWED).where(_SPEND.c.id.in_(wanted[start : start + _MANY]))
        for row in session.execute(part):
            found[row.id] = SpendView(
                row.id, SpendStatus(row.status), row.tx_id, row.fee, row.reason, row.block_height
            )
    return found


def fee_quotes(session: Session, network: str) -> Mapping[tuple[FeeTier, str], int]:
    """Answer what one transfer costs at most, by tier and asset (empty text is the native coin), in native base units.

    Raises `QuotesMissing`.
    """
    rows = session.scalars(select(FeeQuoteRow).where(FeeQuoteRow.network == network)).all()
    if not rows:
        raise QuotesMissing(network)
    return {(FeeTier(row.tier), row.asset): row.fee for row in rows}


def quotes_younger_than(session: Session, network: str, moment: datetime) -> bool:
    """Say whether it is known what sending cost at that moment, or later."""
    newest = session.scalar(select(func.max(FeeQuoteRow.quoted_at)).where(FeeQuoteRow.network == network))
    return newest is not None and newest >= moment


def quotes_wanted_since(session: Session, network: str, moment: datetime) -> bool:
    """Say whether somebody wanted to know what sending costs at that moment, or later."""
    row = QuoteDemandRow
    asked = select(row.network).where(row.network == network, row.asked_at >= moment)
    return session.scalar(asked) is not None


def want_quotes(session: Session, gateway: Gateway, network: str) -> None:
    """Have the worker ask the chain every few seconds what sending costs, for the next minutes."""
    now = gateway.clock.now(session)
    values = {"network": network, "asked_at": now}
    statement = upsert(session, QuoteDemandRow).values(**values)
    session.execute(statement.on_conflict_do_update(index_elements=["network"], set_={"asked_at": now}))
    nudge_after_commit(session, QUEUE)
