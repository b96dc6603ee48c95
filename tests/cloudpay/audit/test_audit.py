from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cloudpay.audit.models import AuditEntry
from cloudpay.audit.service import entries, record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.append_only import AppendOnlyViolation
from cloudpay.kernel.paging import Paging


def _record(gateway: Gateway, action: str, merchant_id: str | None = "mer_1") -> None:
    gateway.db.run(
        lambda session: record(
            session,
            actor="cli:alice",
            action=action,
            subject="thing",
            merchant_id=merchant_id,
            livemode=True,
            details={"why": "a test"},
        )
    )


def test_entries_are_read_back_newest_first_and_by_merchant(gateway: Gateway) -> None:
    _record(gateway, "first")
    _record(gateway, "second")
    _record(gateway, "other", merchant_id="mer_2")
    page = entries(gateway, "mer_1")
    assert [entry.action for entry in page.items] == ["second", "first"]
    assert page.items[0].details == {"why": "a test"}
    assert abs((page.items[0].at - datetime.now(UTC)).total_seconds()) < 60, "the database's own time"
    assert len(entries(gateway).items) == 3


def test_an_anchored_page_does_not_shift_when_entries_come_in(gateway: Gateway) -> None:
    for number in range(4):
        _record(gateway, f"a{number}")
    first = entries(gateway, None, Paging(1, 2))
    _record(gateway, "late")
    second = entries(gateway, None, Paging(2, 2, first.anchor))
    assert [entry.action for entry in (*first.items, *second.items)] == ["a3", "a2", "a1", "a0"]
    assert (first.more, second.more) == (True, False)


def test_an_entry_cannot_be_changed_or_removed_through_the_orm(gateway: Gateway) -> None:
    _record(gateway, "kept")
    with pytest.raises(AppendOnlyViolation), gateway.db.transaction() as session:
        session.query(AuditEntry).one().action = "forged"
    with pytest.raises(AppendOnlyViolation), gateway.db.transaction() as session:
        session.delete(session.query(AuditEntry).one())


@pytest.mark.parametrize(
    "statement", [update(AuditEntry).values(action="forged"), delete(AuditEntry)], ids=["update", "delete"]
)
def test_the_database_itself_refuses_to_change_the_log(gateway: Gateway, statement: object) -> None:
    _record(gateway, "kept")
    with pytest.raises(DBAPIError, match="append-only"), gateway.db.transaction() as session:
        session.execute(statement)  # type: ignore[call-overload]  # either statement
    assert [entry.action for entry in entries(gateway).items] == ["kept"]


def test_the_log_cannot_be_emptied_on_postgresql(gateway: Gateway) -> None:
    _record(gateway, "kept")
    if gateway.db.engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError, match="append-only"), gateway.db.transaction() as session:
            session.execute(text("TRUNCATE audit_entries"))
    assert len(entries(gateway).items) == 1


def test_what_is_rolled_back_leaves_no_entry(gateway: Gateway) -> None:
    def work(session: Session) -> None:
        record(session, actor="system", action="undone", subject="thing")
        session.flush()
        raise RuntimeError("afterwards")

    with pytest.raises(RuntimeError, match="afterwards"):
        gateway.db.run(work)
    assert entries(gateway).items == ()
