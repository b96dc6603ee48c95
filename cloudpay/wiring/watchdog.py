"""Looking for trouble that nobody is left to report: watchers that are gone, events and webhooks that keep failing."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from cloudpay.alerts.models import AlertRow
from cloudpay.alerts.service import Alert, keep_alerts
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.leases import LeaseRow
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.networks import network_views
from cloudpay.webhooks.models import Delivery
from cloudpay.webhooks.slots import endpoint_of
from cloudpay.webhooks.states import DeliveryStatus

_ATTEMPTS = 5
"""Failures in a row after which an event is more than unlucky: about a minute."""
_WEBHOOK_ATTEMPTS = 4
"""The fourth attempt of a delivery comes half an hour after the first."""
_RECENT = timedelta(days=3)
_KINDS = (AlertKind.EVENT_FAILING, AlertKind.WEBHOOKS_FAILING, AlertKind.NETWORK_UNWATCHED)


def look_for_trouble(gateway: Gateway) -> None:
    """Open and clear the alerts that no single process could: asks first, and writes only where something changed."""
    views = network_views(gateway)
    with gateway.db.read() as session:
        now = gateway.clock.now(session)
        wanted = [*_failing_events(session), *_failing_webhooks(session, now)]
        held = set(session.scalars(select(LeaseRow.name).where(LeaseRow.until >= now)))
        have = {(kind, subject) for kind, subject in session.execute(_open_ones())}
    for view in views:
        allowed = timedelta(seconds=gateway.chains.network(view.code).settings.stalled_after_seconds)
        silent = view.answered_at is not None and now - view.answered_at > 2 * allowed
        if silent and f"watch:{view.code}" not in held:
            sentence = (
                f"The network {view.code} has not been looked at since {view.answered_at:%Y-%m-%d %H:%M} UTC."
            )
            wanted.append(Alert(AlertKind.NETWORK_UNWATCHED, view.code, sentence))
    if {(alert.kind.value, alert.subject) for alert in wanted} != have:
        gateway.db.run(lambda session: keep_alerts(session, gateway, None, _KINDS, wanted))


def _open_ones() -> Select[str, str]:
    kinds = [kind.value for kind in _KINDS]
    return select(AlertRow.kind, AlertRow.subject).where(
        AlertRow.cleared_at.is_(None), AlertRow.kind.in_(kinds)
    )


def _failing_events(session: Session) -> Iterator[Alert]:
    failing = (OutboxRow.handled_at.is_(None), OutboxRow.attempts >= _ATTEMPTS)
    for (name,) in session.execute(select(OutboxRow.name).where(*failing).distinct()):
        yield Alert(
            AlertKind.EVENT_FAILING, name, f"An event {name} has failed {_ATTEMPTS} times or more in a row."
        )


def _failing_webhooks(session: Session, now: datetime) -> Iterator[Alert]:
    """Name the endpoints of merchants that have lately answered nothing but failures."""
    recent = (Delivery.merchant_id.is_not(None), Delivery.endpoint != "", Delivery.created_at > now - _RECENT)
    tried = (DeliveryStatus.PENDING, DeliveryStatus.SENDING, DeliveryStatus.FAILED)
    stuck = (
        select(Delivery.endpoint, func.min(Delivery.created_at))
        .where(*recent, Delivery.status.in_(tried), Delivery.attempts_in_series >= _WEBHOOK_ATTEMPTS)
        .group_by(Delivery.endpoint)
    )
    for slots, since in session.execute(stuck):
        arrived = select(Delivery.id).where(
            *recent,
            Delivery.endpoint == slots,
            Delivery.status == DeliveryStatus.SUCCEEDED,
            Delivery.finished_at > since,
        )
        if session.scalar(arrived.limit(1)) is None:
            endpoint, merchant = endpoint_of(slots)
            whose = f" of {merchant}" if merchant else ""
            yield Alert(
                AlertKind.WEBHOOKS_FAILING,
                slots,
                f"No webhook{whose} has reached {endpoint} since {since:%Y-%m-%d %H:%M} UTC, after half an hour of "
                "attempts.",
            )
