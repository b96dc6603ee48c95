"""What is alarming about a network, from its row: opened and cleared in the transaction that writes the row."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, keep_alerts
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.nodes import NODE_ALERTS
from cloudpay.payments.states import NetworkStatus

_FROZEN_AFTER = 4
"""Times `stalled_after_seconds` without a new final block, while the head moves, until somebody is told."""
_OF_STATUS = {
    NetworkStatus.STALLED: AlertKind.NETWORK_STALLED,
    NetworkStatus.PAUSED: AlertKind.NETWORK_PAUSED,
}
_OF_POLLS = (AlertKind.FINALITY_FROZEN, AlertKind.CATCHING_UP, AlertKind.BALANCES_UNKNOWN)


def tell_status(session: Session, gateway: Gateway, row: NetworkRow, *, alarming: bool = True) -> None:
    """Open the alert of the status that a network has entered, unless a person chose it, and clear that of the last."""
    kind = _OF_STATUS.get(NetworkStatus(row.status)) if alarming else None
    wanted = [Alert(kind, row.code, f"The network {row.code} is {row.status}: {row.reason}")] if kind else []
    keep_alerts(session, gateway, row.code, tuple(_OF_STATUS.values()), wanted)


def tell_catch_up(session: Session, gateway: Gateway, network: Network, row: NetworkRow) -> None:
    """Open or clear the alert that a network reads what it missed, at a commit of a page."""
    keep_alerts(session, gateway, row.code, (AlertKind.CATCHING_UP,), list(_catch_up(network, row)))


def poll_alerts(network: Network, row: NetworkRow, now: datetime) -> list[Alert]:
    """Answer what a poll's end finds alarming in a network's row."""
    return [*_catch_up(network, row), *_frozen(network, row, now)]


def tell_poll(session: Session, gateway: Gateway, network: str, wanted: Collection[Alert]) -> None:
    """Have these alerts of a poll open, of the network and of its nodes, and no others."""
    keep_alerts(session, gateway, network, (*_OF_POLLS, *NODE_ALERTS), wanted)


def _catch_up(network: Network, row: NetworkRow) -> Iterator[Alert]:
    if row.catch_up_from is None or row.catch_up_to is None:
        return
    behind = (row.catch_up_to - row.catch_up_from) * network.settings.block_seconds
    if behind > network.settings.stalled_after_seconds:
        sentence = f"The network {row.code} reads what it missed, from block {row.catch_up_from} on."
        yield Alert(AlertKind.CATCHING_UP, row.code, sentence)


def _frozen(network: Network, row: NetworkRow, now: datetime) -> Iterator[Alert]:
    allowed = timedelta(seconds=_FROZEN_AFTER * network.settings.stalled_after_seconds)
    final, head = row.final_moved_at, row.head_moved_at
    if row.status != NetworkStatus.ACTIVE or final is None or head is None:
        return
    if now - final > allowed and head > final:
        sentence = (
            f"New blocks come on {row.code}, but none has become final since {final:%Y-%m-%d %H:%M} UTC."
        )
        yield Alert(AlertKind.FINALITY_FROZEN, row.code, sentence)
