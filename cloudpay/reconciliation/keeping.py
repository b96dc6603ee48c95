"""What a comparison has shown is kept: one row for each network, and an alert for each drift while it lasts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, keep_alerts
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.leases import Lease, fence
from cloudpay.kernel.money import format_amount
from cloudpay.kernel.upsert import upsert
from cloudpay.ledger.pots import Place
from cloudpay.reconciliation.compare import Comparison
from cloudpay.reconciliation.errors import NotComparable
from cloudpay.reconciliation.models import ReconciliationRow
from cloudpay.reconciliation.service import Reconciliation

_WORDS: Mapping[Place, str] = {
    Place.MASTER: "In the master wallet",
    Place.GAS_STATION: "At the gas station",
    Place.DEPOSITS: "At the deposit addresses",
}


@dataclass(frozen=True)
class LastComparison:
    """When a network was last tried and compared, and what that showed."""

    network: str
    tried_at: datetime
    reason: str
    compared_at: datetime | None
    height: int | None
    drifts: int | None


def keep(gateway: Gateway, found: Reconciliation, lease: Lease | None = None) -> None:
    """Write a comparison down; its drifts open alerts, once each, and those that are gone are cleared."""
    network = gateway.chains.network(found.network)

    def work(session: Session) -> None:
        if lease is not None:
            fence(session, lease)
        now = gateway.clock.now(session)
        values = {"reason": "", "compared_at": now, "height": found.height, "drifts": len(found.drifts)}
        _write(session, network.code, now, values)
        alerts = [_alert(network, each) for each in found.drifts]
        keep_alerts(session, gateway, network.code, (AlertKind.LEDGER_DIFFERS,), alerts)

    gateway.db.run(work)


def keep_failure(gateway: Gateway, error: NotComparable, lease: Lease | None = None) -> None:
    """Write down that nobody knows; what was known before stands, its alerts too."""

    def work(session: Session) -> None:
        if lease is not None:
            fence(session, lease)
        _write(session, error.network, gateway.clock.now(session), {"reason": error.reason})

    gateway.db.run(work)


def last_comparisons(gateway: Gateway) -> Mapping[str, LastComparison]:
    """Answer by network what the last comparison showed; a network that was never tried is not among them."""
    with gateway.db.read() as session:
        rows = session.scalars(select(ReconciliationRow)).all()
    return {
        row.network: LastComparison(
            row.network, row.tried_at, row.reason, row.compared_at, row.height, row.drifts
        )
        for row in rows
    }


def _write(session: Session, network: str, now: datetime, values: Mapping[str, Any]) -> None:
    changed = {"tried_at": now, **values}
    statement = upsert(session, ReconciliationRow).values(network=network, **changed)
    session.execute(statement.on_conflict_do_update(index_elements=["network"], set_=changed))


def _alert(network: Network, drift: Comparison) -> Alert:
    pot = drift.pot
    symbol, decimals = network.unit_of(pot.asset)
    than = "more" if drift.drift > 0 else "less"
    sentence = (
        f"{_WORDS[pot.place]} of {pot.merchant_id} on {network.code} lies "
        f"{format_amount(abs(drift.drift), decimals)} {symbol} {than} than the ledger explains."
    )
    mode = "live" if pot.livemode else "test"
    subject = f"{network.code}/{pot.merchant_id}/{mode}/{pot.place.value}/{symbol}"
    return Alert(AlertKind.LEDGER_DIFFERS, subject, sentence)
