"""Open an alert once, clear it when it is over; both in the transaction of whoever noticed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from cloudpay.alerts.models import AlertRow
from cloudpay.alerts.states import KINDS, AlertKind, Severity
from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import NotFound
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.upsert import upsert
from cloudpay.outbox.service import append

OPENED, CLEARED = "alert.opened", "alert.cleared"
SYSTEM = "system"

_KEPT = timedelta(days=90)

log = get_logger(__name__)


class UnknownAlert(NotFound):
    """There is no such alert, or it is over."""

    code: ClassVar[str] = "alert_not_found"

    def __init__(self, alert_id: str) -> None:
        super().__init__(f"No alert {alert_id[:40]!r} is open; `cloudpay alerts` lists those that are.")
        self.alert_id = alert_id


@dataclass(frozen=True)
class Alert:
    """Something to be alarmed about now. The sentence holds no number that changes while it lasts."""

    kind: AlertKind
    subject: str
    sentence: str


@dataclass(frozen=True)
class AlertView:
    """One alert as people see it; `cleared_by` is `system` where it passed by itself."""

    id: str
    kind: AlertKind
    subject: str
    severity: Severity
    sentence: str
    advice: str
    opened_at: datetime
    cleared_at: datetime | None
    cleared_by: str | None


def open_alert(session: Session, gateway: Gateway, alert: Alert) -> None:
    """Open an alert in this transaction; one that is open already changes nothing."""
    if _open_row(session, alert.kind, alert.subject) is not None:
        return
    meaning = KINDS[alert.kind]
    values = {
        "id": new_id("alt_"),
        "kind": alert.kind.value,
        "subject": alert.subject,
        "severity": meaning.severity.value,
        "sentence": alert.sentence,
        "advice": meaning.advice.format(subject=alert.subject),
        "opened_at": gateway.clock.now(session),
    }
    session.execute(upsert(session, AlertRow).values(**values).on_conflict_do_nothing())
    row = session.get(AlertRow, values["id"])
    if row is None:
        return  # another process has opened it meanwhile
    log.warning("alert_opened", kind=row.kind, subject=row.subject, sentence=row.sentence)
    _announce(session, gateway, OPENED, row)


def clear_alert(
    session: Session, gateway: Gateway, kind: AlertKind, subject: str, *, actor: str = SYSTEM
) -> None:
    """End an alert in this transaction, where one is open."""
    row = _open_row(session, kind, subject)
    if row is not None:
        _clear(session, gateway, row, actor)


def keep_alerts(
    session: Session,
    gateway: Gateway,
    about: str | None,
    kinds: Collection[AlertKind],
    wanted: Collection[Alert],
) -> None:
    """Have exactly these alerts open among those of `kinds` about a subject, or about a part of it (`evm/node`).

    None stands for every subject. One question to the database when nothing has changed: made for every look.
    """
    statement = select(AlertRow).where(
        AlertRow.cleared_at.is_(None), AlertRow.kind.in_([kind.value for kind in kinds])
    )
    if about is not None:
        part = AlertRow.subject.startswith(f"{about}/", autoescape=True)
        statement = statement.where(or_(AlertRow.subject == about, part))
    rows = session.scalars(statement).all()
    have = {(row.kind, row.subject): row for row in rows}
    lasting = {(alert.kind.value, alert.subject) for alert in wanted}
    for key, row in have.items():
        if key not in lasting:
            _clear(session, gateway, row, SYSTEM)
    for alert in wanted:
        if (alert.kind.value, alert.subject) not in have:
            open_alert(session, gateway, alert)


def clear_by_hand(gateway: Gateway, alert_id: str, *, actor: str) -> None:
    """End an alert because a person says so; audited. Where its cause lasts, it opens anew. Raises `UnknownAlert`."""

    def work(session: Session) -> None:
        row = session.get(AlertRow, alert_id, with_for_update=True)
        if row is None or row.cleared_at is not None:
            raise UnknownAlert(alert_id)
        _clear(session, gateway, row, actor)
        details = {"kind": row.kind, "subject": row.subject}
        record(session, actor=actor, action="alert.cleared", subject=row.id, details=details)

    gateway.db.run(work)


def alert_views(gateway: Gateway, *, history: int = 0) -> list[AlertView]:
    """Answer what is open, oldest first, and with `history` the newest so many that are over."""
    opened = select(AlertRow).where(AlertRow.cleared_at.is_(None)).order_by(AlertRow.opened_at, AlertRow.id)
    over = select(AlertRow).where(AlertRow.cleared_at.is_not(None)).order_by(AlertRow.cleared_at.desc())
    with gateway.db.read() as session:
        rows = [*session.scalars(opened), *session.scalars(over.limit(history))]
        return [_view(row) for row in rows]


def prune(gateway: Gateway) -> None:
    """Forget alerts that have long been over."""

    def work(session: Session) -> None:
        session.execute(delete(AlertRow).where(AlertRow.cleared_at < gateway.clock.now(session) - _KEPT))

    gateway.db.run(work)


def _open_row(session: Session, kind: AlertKind, subject: str) -> AlertRow | None:
    same = (AlertRow.kind == kind.value, AlertRow.subject == subject, AlertRow.cleared_at.is_(None))
    return session.scalar(select(AlertRow).where(*same))


def _clear(session: Session, gateway: Gateway, row: AlertRow, actor: str) -> None:
    row.cleared_at, row.cleared_by = gateway.clock.now(session), actor
    session.flush()
    log.info("alert_cleared", kind=row.kind, subject=row.subject, by=actor)
    _announce(session, gateway, CLEARED, row)


def _announce(session: Session, gateway: Gateway, name: str, row: AlertRow) -> None:
    """Tell of it: the event holds all that an operator's webhook says, frozen now."""
    payload = {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "severity": row.severity,
        "sentence": row.sentence,
        "advice": row.advice,
        "opened_at": row.opened_at.isoformat(),
        "cleared_at": row.cleared_at.isoformat() if row.cleared_at else None,
        "cleared_by": row.cleared_by,
    }
    append(session, gateway.clock, name, row.id, payload)


def _view(row: AlertRow) -> AlertView:
    return AlertView(
        id=row.id,
        kind=AlertKind(row.kind),
        subject=row.subject,
        severity=Severity(row.severity),
        sentence=row.sentence,
        advice=row.advice,
        opened_at=row.opened_at,
        cleared_at=row.cleared_at,
        cleared_by=row.cleared_by,
    )
