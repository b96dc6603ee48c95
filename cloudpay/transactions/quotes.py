"""What sending costs: asked of the chain every few seconds while somebody wants to know, and rarely otherwise.

Where a master wallet holds anything it is always known, so that no payout waits for a chain that is asked for it.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from cloudpay.chains.spending import FeeQuote
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.upsert import upsert
from cloudpay.ledger.outgoing import funded
from cloudpay.transactions.models import FeeQuoteRow, QuoteDemandRow
from cloudpay.transactions.rows import SPEND
from cloudpay.transactions.states import SpendStatus
from cloudpay.transactions.station import Station

OFTEN, RARELY = timedelta(seconds=15), timedelta(minutes=10)
_WANTED_FOR = timedelta(minutes=5)


def quotes_due(session: Session, network: str, now: datetime) -> bool:
    """Say whether it is time to ask: often while somebody wants to know or something is to be sent, else rarely.

    Nobody asks where nobody has ever wanted to know and no master wallet holds anything: a gateway that has nothing to
    pay out loads no chain library for it.
    """
    quoted_at = session.scalar(select(func.max(FeeQuoteRow.quoted_at)).where(FeeQuoteRow.network == network))
    if quoted_at is not None and now - quoted_at <= OFTEN:
        return False
    demand = session.get(QuoteDemandRow, network)
    if demand is not None and now - demand.asked_at < _WANTED_FOR:
        return True
    if quoted_at is None or now - quoted_at > RARELY:
        return demand is not None or funded(session, network) or _is_sending(session, network)
    return _is_sending(session, network)


def _is_sending(session: Session, network: str) -> bool:
    under_way = SPEND.c.status.in_(
        [SpendStatus.QUEUED.value, SpendStatus.SENDING.value, SpendStatus.SENT.value]
    )
    found = select(SPEND.c.id).where(SPEND.c.network == network, under_way).limit(1)
    return session.scalar(found) is not None


def ask_quotes(station: Station) -> None:
    """Ask the chain and keep what it says; raises `NodeUnavailable`."""
    quotes = station.adapter.fee_quotes()
    station.gateway.db.run(lambda session: _store(session, station, quotes))
    passing(Failpoint.SEND_QUOTED)


def _store(session: Session, station: Station, quotes: tuple[FeeQuote, ...]) -> None:
    station.fence(session)
    network, now = station.network.code, station.gateway.clock.now(session)
    rows = [
        {
            "network": network,
            "tier": each.tier.value,
            "asset": each.contract or "",
            "fee": each.fee,
            "quoted_at": now,
        }
        for each in quotes
    ]
    if rows:
        statement = upsert(session, FeeQuoteRow)
        fresh = {"fee": statement.excluded.fee, "quoted_at": statement.excluded.quoted_at}
        key = ["network", "tier", "asset"]
        session.connection().execute(statement.on_conflict_do_update(index_elements=key, set_=fresh), rows)
    session.execute(delete(FeeQuoteRow).where(FeeQuoteRow.network == network, FeeQuoteRow.quoted_at < now))
