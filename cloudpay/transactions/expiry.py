"""What has expired is signed anew only when it is proven to be on no chain, and looked for a while longer (fault F70).

That nodes do not know an id proves nothing: one that has lost its index, or is new, knows none.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import AbsenceProver
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.log import get_logger
from cloudpay.transactions.outcomes import Finding
from cloudpay.transactions.rows import ATTEMPT
from cloudpay.transactions.states import TransactionStatus
from cloudpay.transactions.station import Station
from cloudpay.wallets.switch import freeze_sending

_log = get_logger(__name__)


def proven_absent(station: Station, transactions: Collection[str], final: BlockRef) -> frozenset[str]:
    """Answer which of these have no attempt in any block, as far as the chain's adapter can prove it.

    Where it cannot, the looks that found none have the only word. No transaction may be open.
    """
    adapter = station.adapter
    if not transactions or not isinstance(adapter, AbsenceProver):
        return frozenset(transactions)
    with station.gateway.db.read() as session:
        found = select(ATTEMPT.c.transaction_id, ATTEMPT.c.tx_id, ATTEMPT.c.raw)
        attempts = session.execute(found.where(ATTEMPT.c.transaction_id.in_(transactions))).all()
    try:
        absent = adapter.absent({row.tx_id: row.raw for row in attempts}, final, station.renew)
    except NodeUnavailable as error:
        _log.warning("expiry_not_proven", network=station.network.code, reason=error.message)
        return frozenset()
    doubted = {row.transaction_id for row in attempts if row.tx_id not in absent}
    if doubted:
        _log.warning("expiry_not_proven", network=station.network.code, transactions=sorted(doubted))
    return frozenset(transactions) - doubted


def freeze_returned(session: Session, station: Station, findings: Sequence[Finding]) -> None:
    """Freeze the network where one that had expired, and was sent anew, is in a block after all."""
    returned = [
        each.included
        for each in findings
        if each.status is TransactionStatus.EXPIRED and each.included is not None
    ]
    if not returned:
        return
    tx_id = returned[0].tx_id
    reason = (
        f"The transaction {tx_id} had expired and was on no chain by all that the nodes told, so that what it pays was "
        "sent anew; now they show it in a block. It may have been paid twice. Compare the gateway with the chain by "
        "`cloudpay reconcile`, and do not trust the node that denied it."
    )
    code = station.network.code
    freeze_sending(session, station.gateway, code, reason, needs_reconciliation=True)
    passing(Failpoint.SEND_FROZEN)
    _log.error("expired_transaction_in_a_block", network=code, tx_id=tx_id)
