"""An alert opens once, says what to do, and clears when it is over; both are told in the transaction that knew."""

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import (
    Alert,
    AlertView,
    UnknownAlert,
    alert_views,
    clear_alert,
    clear_by_hand,
    keep_alerts,
    open_alert,
    prune,
)
from cloudpay.alerts.states import KINDS, AlertKind, Severity
from cloudpay.audit.service import entries
from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.models import OutboxRow
from cloudpay.testing import FixedClock

STALLED = Alert(AlertKind.NETWORK_STALLED, "evm", "The network evm is stalled: no node answers.")
DOWN = Alert(AlertKind.NODE_DOWN, "evm/one.example.com", "The node one.example.com has only failed.")


def raise_it(gateway: Gateway, alert: Alert = STALLED) -> None:
    gateway.db.run(lambda session: open_alert(session, gateway, alert))


def keep(gateway: Gateway, *wanted: Alert, about: str | None = "evm") -> None:
    kinds = (AlertKind.NETWORK_STALLED, AlertKind.NODE_DOWN)
    gateway.db.run(lambda session: keep_alerts(session, gateway, about, kinds, wanted))


def told(gateway: Gateway) -> list[tuple[str, str]]:
    with gateway.db.read() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.name.like("alert.%")).order_by(OutboxRow.id))
        return [(row.name, json.loads(row.payload)["kind"]) for row in rows]


def opened(gateway: Gateway) -> list[AlertView]:
    return alert_views(gateway)


def test_an_alert_opens_once_with_what_to_do_and_is_told_once(gateway: Gateway) -> None:
    raise_it(gateway)
    raise_it(gateway)
    [alert] = opened(gateway)
    assert (alert.severity, alert.sentence) == (Severity.CRITICAL, STALLED.sentence)
    assert "on evm" in alert.advice and "{" not in alert.advice
    assert told(gateway) == [("alert.opened", "network_stalled")]


def test_an_alert_that_is_over_is_told_once_and_opens_anew_under_another_id(gateway: Gateway) -> None:
    raise_it(gateway)
    first = opened(gateway)[0].id
    for _ in range(2):
        gateway.db.run(lambda session: clear_alert(session, gateway, STALLED.kind, "evm"))
    assert opened(gateway) == [] and told(gateway)[1:] == [("alert.cleared", "network_stalled")]
    raise_it(gateway)
    assert opened(gateway)[0].id != first
    over = alert_views(gateway, history=5)[1]
    assert (over.id, over.cleared_by) == (first, "system")


def test_what_is_rolled_back_was_never_told(gateway: Gateway) -> None:
    def fail(session: Session) -> None:
        open_alert(session, gateway, STALLED)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        gateway.db.run(fail)
    assert opened(gateway) == [] and told(gateway) == []


def test_exactly_what_is_wanted_is_open_and_only_of_the_kinds_and_the_subject_asked_about(
    gateway: Gateway,
) -> None:
    other = Alert(AlertKind.NODE_DOWN, "evm2/one.example.com", "Another network's node.")
    paused = Alert(AlertKind.NETWORK_PAUSED, "evm", "Another kind.")
    raise_it(gateway, other)
    raise_it(gateway, paused)
    keep(gateway, STALLED, DOWN)
    assert {alert.sentence for alert in opened(gateway)} == {
        each.sentence for each in (STALLED, DOWN, other, paused)
    }
    keep(gateway, DOWN)
    keep(gateway, DOWN)
    assert {alert.sentence for alert in opened(gateway)} == {each.sentence for each in (DOWN, other, paused)}
    keep(gateway, about=None)
    assert [alert.sentence for alert in opened(gateway)] == [paused.sentence]
    assert len(told(gateway)) == 4 + 3


def test_two_processes_that_notice_at_once_open_one(gateway: Gateway) -> None:
    start = threading.Barrier(6)

    def notice() -> None:
        start.wait()
        raise_it(gateway)

    threads = [threading.Thread(target=notice) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened(gateway)) == 1 and told(gateway) == [("alert.opened", "network_stalled")]


def test_a_person_clears_an_alert_and_the_audit_log_says_who(gateway: Gateway) -> None:
    raise_it(gateway)
    alert = opened(gateway)[0]
    clear_by_hand(gateway, alert.id, actor="cli:ann")
    [entry] = entries(gateway).items
    assert (entry.actor, entry.action, entry.subject) == ("cli:ann", "alert.cleared", alert.id)
    assert alert_views(gateway, history=1)[0].cleared_by == "cli:ann"
    for unknown in (alert.id, "alt_nothing"):
        with pytest.raises(UnknownAlert):
            clear_by_hand(gateway, unknown, actor="cli:ann")
    assert len(entries(gateway).items) == 1


def test_what_is_over_for_long_is_forgotten_and_what_is_open_never(
    gateway: Gateway, clock: FixedClock
) -> None:
    raise_it(gateway)
    raise_it(gateway, DOWN)
    keep(gateway, STALLED)
    clock.advance(timedelta(days=89))
    prune(gateway)
    assert len(alert_views(gateway, history=9)) == 2
    clock.advance(timedelta(days=2))
    prune(gateway)
    assert [alert.kind for alert in alert_views(gateway, history=9)] == [AlertKind.NETWORK_STALLED]


@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_says_what_to_do(kind: AlertKind) -> None:
    advice = KINDS[kind].advice.format(subject="evm")
    assert advice.endswith(".") and len(advice) > 60 and "{" not in advice
