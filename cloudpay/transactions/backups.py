"""An old database that was put back knows nothing of what was signed since: the journal gives it away (fault F117)."""

from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.log import get_logger
from cloudpay.transactions.journal import Entry, Journal
from cloudpay.transactions.rows import ATTEMPT
from cloudpay.wallets.day import DayTotals
from cloudpay.wallets.freezes import EVERYWHERE
from cloudpay.wallets.switch import freeze_sending

_AT_ONCE = 500
_log = get_logger(__name__)


def read_back(gateway: Gateway, network: str, journal: Journal, day: DayTotals) -> bool:
    """Hold the journal against the database and count what was signed today; False when the database is too old.

    Sending is frozen everywhere then: it would pay again what it does not know to be paid. Raises `JournalFailed`.
    """
    for counted in journal.counted():
        day.recall(counted)
    entries = journal.entries()
    while chunk := list(islice(entries, _AT_ONCE)):
        lost = _first_unknown(gateway, [each for each in chunk if each.network == network])
        if lost is not None:
            gateway.db.run(lambda session, lost=lost: _freeze(session, gateway, lost))  # type: ignore[misc]
            return False
    return True


def _first_unknown(gateway: Gateway, entries: list[Entry]) -> Entry | None:
    ids = {each.tx_id for each in entries}
    if not ids:
        return None
    with gateway.db.read() as session:
        found = select(ATTEMPT.c.tx_id).where(
            ATTEMPT.c.network == entries[0].network, ATTEMPT.c.tx_id.in_(ids)
        )
        known = set(session.scalars(found))
    return next((each for each in entries if each.tx_id not in known), None)


def _freeze(session: Session, gateway: Gateway, lost: Entry) -> None:
    reason = (
        f"The journal beside the database holds the transaction {lost.tx_id} on {lost.network}, signed at "
        f"{lost.at:%Y-%m-%d %H:%M} UTC, and the database does not know it: an old backup was put back. What it takes "
        "for unpaid may be paid. Compare it with the chains, then run `cloudpay thaw --reconciled`."
    )
    freeze_sending(session, gateway, EVERYWHERE, reason, needs_reconciliation=True)
    _log.error("database_older_than_journal", network=lost.network, tx_id=lost.tx_id)
