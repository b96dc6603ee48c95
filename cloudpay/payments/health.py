"""What a poll says about the network itself: alive, stalled, verified; and how far a poll has seen."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Head, Header
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.leases import Lease, fence
from cloudpay.payments import blocks
from cloudpay.payments.credit import settle
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.networks import enter, network_row
from cloudpay.payments.states import NetworkStatus

_QUIET = timedelta(seconds=1)
"""A poll that found nothing new is written down at most this often."""


class Heartbeat:
    """Writes down what polls saw of a network's head, without a commit for each one that saw nothing new."""

    def __init__(self, gateway: Gateway, network: Network) -> None:
        self._gateway, self._network = gateway, network
        self._last: tuple[datetime, Head] | None = None

    def beat(
        self, lease: Lease, began: datetime, head: Head, looked_until: datetime | None, *, busy: bool
    ) -> None:
        """Record a poll that began at `began` and saw `head`.

        `looked_until` is the moment up to which everything that was expected has been looked for; None when the poll
        did not come so far.
        """
        if not busy and self._last is not None:
            at, seen = self._last
            if seen == head and began - at < _QUIET:
                return

        def work(session: Session) -> None:
            fence(session, lease)
            self._record(session, network_row(session, self._network.code), began, head, looked_until)
            passing(Failpoint.HEARTBEAT_RECORDED)

        self._gateway.db.run(work)
        passing(Failpoint.HEARTBEAT_COMMITTED)
        self._last = (began, head)

    def _record(
        self,
        session: Session,
        row: NetworkRow,
        began: datetime,
        head: Head,
        looked_until: datetime | None,
    ) -> None:
        if row.head_height is None or head.latest.height > row.head_height:
            row.head_moved_at = began
        row.head_height, row.finality, row.node = head.latest.height, head.finality.value, head.node
        row.answered_at = began
        age = began - datetime.fromtimestamp(head.latest.time, UTC)
        if age > timedelta(seconds=self._network.settings.stalled_after_seconds):
            if row.status == NetworkStatus.ACTIVE:
                reason = f"The newest block is {int(age.total_seconds())} s old: the chain or its nodes stand still."
                enter(session, self._gateway, row, NetworkStatus.STALLED, reason)
            return
        if row.status == NetworkStatus.STALLED:
            enter(session, self._gateway, row, NetworkStatus.ACTIVE)
        if row.status == NetworkStatus.ACTIVE:
            settle(session, self._gateway, self._network, row, head)
            if looked_until is not None:
                row.polled_at = max(row.polled_at or looked_until, looked_until)


def note_silence(gateway: Gateway, network: Network, error: NodeUnavailable) -> None:
    """Record that no node answered; after long enough the network is stalled."""

    def work(session: Session) -> None:
        row = network_row(session, network.code)
        now = gateway.clock.now(session)
        allowed = timedelta(seconds=network.settings.stalled_after_seconds)
        if row.status == NetworkStatus.ACTIVE and (
            row.answered_at is None or now - row.answered_at > allowed
        ):
            enter(session, gateway, row, NetworkStatus.STALLED, error.message)
        elif row.status == NetworkStatus.UNVERIFIED:
            row.reason = error.message

    gateway.db.run(work)


def verify(gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
    """Hold the nodes against the configuration; raises what is wrong after writing it down.

    Reading begins at the block that is the newest now, where none was read before: a network that takes invoices has
    a place to read on from, however long the first poll takes to come.

    `NodeUnavailable` leaves the network unverified, to be tried again; a `ConfigurationError` (wrong chain, wrong
    decimals) needs a person.
    """
    try:
        adapter.verify()
        start = None if _was_read(gateway, network) else adapter.head().latest
    except (NodeUnavailable, ConfigurationError) as error:
        reason = error.message
        gateway.db.run(lambda session: _unverified(session, gateway, network, reason))
        raise
    gateway.db.run(lambda session: _verified(session, gateway, network, start))
    passing(Failpoint.NETWORK_VERIFIED)


def _was_read(gateway: Gateway, network: Network) -> bool:
    with gateway.db.read() as session:
        row = session.get(NetworkRow, network.code)
        return row is not None and row.cursor_hash is not None


def _unverified(session: Session, gateway: Gateway, network: Network, reason: str) -> None:
    row = network_row(session, network.code)
    if row.status != NetworkStatus.PAUSED:
        enter(session, gateway, row, NetworkStatus.UNVERIFIED, reason)


def _verified(session: Session, gateway: Gateway, network: Network, start: Header | None) -> None:
    row = network_row(session, network.code)
    if start is not None and row.cursor_hash is None:
        blocks.keep(session, network.code, [start])
        row.cursor_height, row.cursor_hash = start.height, start.hash
    if row.status == NetworkStatus.UNVERIFIED:
        row.answered_at = gateway.clock.now(session)
        enter(session, gateway, row, NetworkStatus.ACTIVE)
