"""What `/metrics` reads from the database: add a gauge by adding a line to GAUGES."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Executable, func, select

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.models import InvoiceRow
from cloudpay.outbox.models import OutboxRow
from cloudpay.payments.networks import network_views
from cloudpay.payments.states import NetworkStatus
from cloudpay.payments.views import NetworkView
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


_PENDING_EVENTS = select(func.count()).select_from(OutboxRow).where(OutboxRow.handled_at.is_(None))
_FAILING_EVENTS = _PENDING_EVENTS.where(OutboxRow.attempts > 0)
_INVOICES = select(InvoiceRow.status, func.count()).group_by(InvoiceRow.status)
_DELIVERIES = (
    select(Delivery.status, func.count()).where(Delivery.finished_at.is_(None)).group_by(Delivery.status)
)

GAUGES = (
    Gauge("cloudpay_invoices", "Invoices by status.", ("status",), _counts(_INVOICES)),
    Gauge("cloudpay_outbox_pending", "Events that wait for their handlers.", (), _counts(_PENDING_EVENTS)),
    Gauge("cloudpay_outbox_failing", "Waiting events that failed before.", (), _counts(_FAILING_EVENTS)),
    Gauge("cloudpay_webhooks_open", "Webhook deliveries not finished.", ("status",), _counts(_DELIVERIES)),
    Gauge("cloudpay_network_head", "Newest block.", ("network",), _networks(lambda view: view.head)),
    Gauge("cloudpay_network_final", "Final block.", ("network",), _networks(lambda view: view.final)),
    Gauge("cloudpay_network_lag", "Blocks not read yet.", ("network",), _networks(lambda view: view.lag)),
    Gauge("cloudpay_network_gaps", "Blocks missing.", ("network",), _networks(lambda view: view.gaps)),
    Gauge("cloudpay_network_status", "1 for the status it has.", ("network", "status"), _network_states),
)
