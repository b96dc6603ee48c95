"""Record what was done, and read it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.audit.models import AuditEntry
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.clock import DatabaseClock
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.paging import Page, Paging, fetch_page

_CLOCK = DatabaseClock()
_FIRST_PAGE = Paging()


@dataclass(frozen=True)
class Entry:
    """One entry of the audit log; `merchant_id` and `livemode` are None for what concerns the whole gateway."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    merchant_id: str | None
    livemode: bool | None
    details: Mapping[str, str]


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    merchant_id: str | None = None,
    livemode: bool | None = None,
    details: Mapping[str, str] | None = None,
) -> None:
    """Append an entry in the caller's transaction, at the database's own time; `details` never hold a secret.

    `actor` is `key:<id>`, `cli:<user>`, `user:<id>` or `system`.
    """
    entry = AuditEntry(
        id=new_id("aud_"),
        at=_CLOCK.now(session),
        actor=actor,
        action=action,
        subject=subject,
        merchant_id=merchant_id,
        livemode=livemode,
        details=dict(details or {}),
    )
    session.add(entry)


def entries(gateway: Gateway, merchant_id: str | None = None, paging: Paging = _FIRST_PAGE) -> Page[Entry]:
    """Answer a page of the log, newest first; of one merchant, or of the whole gateway."""
    statement = select(AuditEntry)
    if merchant_id is not None:
        statement = statement.where(AuditEntry.merchant_id == merchant_id)
    with gateway.db.read() as session:
        return fetch_page(session, statement, paging, by=AuditEntry.id).map(_view)


def _view(row: AuditEntry) -> Entry:
    return Entry(
        row.id, row.at, row.actor, row.action, row.subject, row.merchant_id, row.livemode, row.details
    )
