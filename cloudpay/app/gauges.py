"""What `/metrics` reads from the database: add a gauge by adding a line to GAUGES."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Executable, func, select

from cloudpay.alerts.service import alert_views
from cloudpay.alerts.states import KINDS, AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.models import OPEN, REVERSED, InvoiceRow
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.networks import network_views
from cloudpay.payments.nodes import NodeState, NodeView, node_views
from cloudpay.payments.states import NetworkStatus
from cloudpay.payments.views import NetworkView
from cloudpay.reconciliation.keeping import LastComparison, last_comparisons
from cloudpay.webhooks.models import Delivery

Reading = tuple[Sequence[str], float]


@dataclass(frozen=True)
class Gauge:
    """A name, what it says, its label names, and how its readings (label values, value) are got."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[Gateway], Iterable[Reading]]


def _counts(*statements: Executable) -> Callable[[Gateway], Iterable[Reading]]:
    """Read `SELECT label…, count` statements."""

    def read(gateway: Gateway) -> Iterable[Reading]:
        with gateway.db.read() as session:
            rows = [row for statement in statements for row in session.execute(statement)]
        return [(tuple(map(str, row[:-1])), float(row[-1])) for row in rows]

    return read


def _networks(value: Callable[[NetworkView], int | None]) -> Callable[[Gateway], Iterable[Reading]]:
    """Read one number of every network; one that is not known yet is left out."""

    def read(gateway: Gateway) -> Iterable[Reading]:
        return [
            ((view.code,), float(found))
            for view in network_views(gateway)
            if (found := value(view)) is not None
        ]

    return read


def _network_states(gateway: Gateway) -> Iterable[Reading]:
    return [
        ((view.code, status.value), float(view.status is status))
        for view in network_views(gateway)
        for status in NetworkStatus
    ]


def _nodes(value: Callable[[NodeView], float | None]) -> Callable[[Gateway], Iterable[Reading]]:
    """Read one number of every node; one that is not known yet is left out."""

    def read(gateway: Gateway) -> Iterable[Reading]:
        with gateway.db.read() as session:
            found = node_views(session)
        return [
            ((code, view.node), told)
            for code, views in found.items()
            for view in views
            if (told := value(view)) is not None
        ]

    return read


def _node_states(gateway: Gateway) -> Iterable[Reading]:
    with gateway.db.read() as session:
        found = node_views(session)
    return [
        ((code, view.node, state.value), float(view.state is state))
        for code, views in found.items()
        for view in views
        for state in NodeState
    ]


def _alerts(gateway: Gateway) -> Iterable[Reading]:
    """Count the open alerts of every kind, those of which there are none too: an alarm needs a number to compare."""
    opened = Counter(alert.kind for alert in alert_views(gateway))
    return [((kind.value, KINDS[kind].severity.value), float(opened[kind])) for kind in AlertKind]


def _cursor_ages(gateway: Gateway) -> Iterable[Reading]:
    """Read for how many seconds each network has not been looked at."""
    with gateway.db.read() as session:
        now = gateway.clock.now(session)
    return [
        ((view.code,), max(0.0, (now - view.answered_at).total_seconds()))
        for view in network_views(gateway)
        if view.answered_at is not None
    ]


def _compared(
    value: Callable[[LastComparison, datetime], float | None],
) -> Callable[[Gateway], Iterable[Reading]]:
    """Read one number of every network that was held against its chain."""

    def read(gateway: Gateway) -> Iterable[Reading]:
        with gateway.db.read() as session:
            now = gateway.clock.now(session)
        return [
            ((code,), told)
            for code, last in last_comparisons(gateway).items()
            if (told := value(last, now)) is not None
        ]

    return read


def _drifts(last: LastComparison, _now: datetime) -> float | None:
    return last.drifts


def _compared_age(last: LastComparison, now: datetime) -> float | None:
    return None if last.compared_at is None else max(0.0, (now - last.compared_at).total_seconds())


def _latency(node: NodeView) -> float | None:
    return None if node.latency_ms is None else node.latency_ms / 1000


_NODE = ("network", "node")
_PENDING_EVENTS = select(func.count()).select_from(OutboxRow).where(OutboxRow.handled_at.is_(None))
_FAILING_EVENTS = _PENDING_EVENTS.where(OutboxRow.attempts > 0)
_INVOICES = [
    select(InvoiceRow.status, func.count()).where(condition).group_by(InvoiceRow.status)
    for condition in (OPEN, REVERSED)
]
"""Those that wait for something: of the others there are ever more, and counting them would take ever longer."""

_DELIVERIES = (
    select(Delivery.status, func.count()).where(Delivery.finished_at.is_(None)).group_by(Delivery.status)
)

GAUGES = (
    Gauge("cloudpay_invoices", "Invoices that wait, by status.", ("status",), _counts(*_INVOICES)),
    Gauge("cloudpay_outbox_pending", "Events that wait for their handlers.", (), _counts(_PENDING_EVENTS)),
    Gauge("cloudpay_outbox_failing", "Waiting events that failed before.", (), _counts(_FAILING_EVENTS)),
    Gauge("cloudpay_webhooks_open", "Webhook deliveries not finished.", ("status",), _counts(_DELIVERIES)),
    Gauge("cloudpay_network_head", "Newest block.", ("network",), _networks(lambda view: view.head)),
    Gauge("cloudpay_network_final", "Final block.", ("network",), _networks(lambda view: view.final)),
    Gauge("cloudpay_network_lag", "Blocks not read yet.", ("network",), _networks(lambda view: view.lag)),
    Gauge("cloudpay_network_gaps", "Blocks missing.", ("network",), _networks(lambda view: view.gaps)),
    Gauge("cloudpay_network_status", "1 for the status it has.", ("network", "status"), _network_states),
    Gauge("cloudpay_network_cursor", "Newest block read.", ("network",), _networks(lambda view: view.cursor)),
    Gauge("cloudpay_network_head_age_seconds", "Since it moved.", ("network",), _networks(lambda v: v.age)),
    Gauge("cloudpay_network_unlooked_seconds", "Since the last look.", ("network",), _cursor_ages),
    Gauge("cloudpay_node_state", "1 for the state it is in.", (*_NODE, "state"), _node_states),
    Gauge("cloudpay_node_score", "Health, from 0 to 100.", _NODE, _nodes(lambda node: node.score)),
    Gauge("cloudpay_node_failures", "Since its watcher began.", _NODE, _nodes(lambda node: node.failures)),
    Gauge("cloudpay_node_calls", "Since its watcher began.", _NODE, _nodes(lambda node: node.calls)),
    Gauge("cloudpay_node_height", "Newest block that it told.", _NODE, _nodes(lambda node: node.height)),
    Gauge("cloudpay_node_latency_seconds", "Mean of a request.", _NODE, _nodes(_latency)),
    Gauge("cloudpay_ledger_drifts", "Wallets unlike the ledger.", ("network",), _compared(_drifts)),
    Gauge("cloudpay_ledger_compared_age_seconds", "Since it was.", ("network",), _compared(_compared_age)),
    Gauge("cloudpay_alerts_open", "Alerts that are open.", ("kind", "severity"), _alerts),
)
