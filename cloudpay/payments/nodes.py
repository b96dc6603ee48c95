"""How each node has been doing: written down by the watcher at a bounded rate, so that every process can show it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import NodeHealth, NodeState
from cloudpay.payments.models import NodeRow

EVERY = timedelta(seconds=5)
"""How often a node's numbers are written; a changed state is written at once."""
_DOWN_AFTER = timedelta(seconds=60)
"""A node that has only failed, or lagged, for so long is down: shorter troubles are what failover is for."""

__all__ = ["NODE_ALERTS", "NodeBook", "NodeState", "NodeView", "node_views"]

NODE_ALERTS = (AlertKind.NODE_DOWN, AlertKind.NODE_WRONG_CHAIN, AlertKind.NODES_DISAGREE)


@dataclass(frozen=True)
class NodeView:
    """One node as its watcher last saw it."""

    node: str
    state: NodeState
    score: int
    failures: int
    last_error: str | None
    rests_until: datetime | None
    height: int | None
    latency_ms: int | None
    calls: int
    seen_at: datetime
    down_since: datetime | None


class NodeBook:
    """Writes the nodes of one network down, when it is time."""

    def __init__(self, network: str) -> None:
        self._network = network
        self._last: tuple[datetime, tuple[NodeState, ...]] | None = None

    def due(self, now: datetime, health: Sequence[NodeHealth]) -> bool:
        """Say whether something is to be written."""
        states = tuple(each.state for each in health)
        return self._last is None or self._last[1] != states or now - self._last[0] >= EVERY

    def write(self, session: Session, now: datetime, health: Sequence[NodeHealth]) -> list[Alert]:
        """Write the nodes down in this transaction, forget those that are gone, and answer what is alarming."""
        rows = {row.node: row for row in _rows(session, self._network)}
        for each in health:
            row = rows.pop(each.node, None) or NodeRow(network=self._network, node=each.node)
            _fill(row, each, now)
            session.add(row)
        for gone in rows.values():
            session.delete(gone)
        session.flush()
        self._last = (now, tuple(each.state for each in health))
        return list(_alerts(session, self._network, now))


def node_views(session: Session) -> dict[str, list[NodeView]]:
    """Answer every network's nodes."""
    found: dict[str, list[NodeView]] = {}
    for row in session.scalars(select(NodeRow).order_by(NodeRow.network, NodeRow.node)):
        found.setdefault(row.network, []).append(_view(row))
    return found


def _rows(session: Session, network: str) -> Iterable[NodeRow]:
    return session.scalars(select(NodeRow).where(NodeRow.network == network).order_by(NodeRow.node)).all()


def _fill(row: NodeRow, health: NodeHealth, now: datetime) -> None:
    row.state, row.score, row.failures = health.state.value, health.score, health.failures
    row.last_error, row.height, row.latency_ms = health.last_error, health.height, health.latency_ms
    row.calls, row.seen_at = health.calls, now
    row.rests_until = now + timedelta(seconds=health.rests_for) if health.rests_for else None
    if health.state in (NodeState.RESTING, NodeState.LAGGING):
        row.down_since = row.down_since or now
    else:
        row.down_since = None


def _alerts(session: Session, network: str, now: datetime) -> Iterator[Alert]:
    for row in _rows(session, network):
        subject = f"{network}/{row.node}"
        if row.state == NodeState.WRONG_CHAIN:
            yield Alert(
                AlertKind.NODE_WRONG_CHAIN,
                subject,
                f"The node {row.node} of {network} is out of use: {row.last_error}.",
            )
        elif row.state == NodeState.DISPUTED:
            yield Alert(
                AlertKind.NODES_DISAGREE, subject, f"The nodes of {network} disagree: {row.last_error}."
            )
        elif row.down_since is not None and now - row.down_since >= _DOWN_AFTER:
            sentence = (
                f"The node {row.node} of {network} has been of no use since {row.down_since:%H:%M} UTC: "
            )
            yield Alert(AlertKind.NODE_DOWN, subject, f"{sentence}{row.last_error}.")


def _view(row: NodeRow) -> NodeView:
    return NodeView(
        node=row.node,
        state=NodeState(row.state),
        score=row.score,
        failures=row.failures,
        last_error=row.last_error,
        rests_until=row.rests_until,
        height=row.height,
        latency_ms=row.latency_ms,
        calls=row.calls,
        seen_at=row.seen_at,
        down_since=row.down_since,
    )
