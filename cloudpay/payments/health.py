"""What a poll says about the network itself: alive, stalled, verified; and how far a poll has seen."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, keep_alerts
from cloudpay.chains.adapter import ChainAdapter, NodeHealth
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Head, Header
from cloudpay.kernel.errors import CloudPayError, ConfigurationError
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.leases import Lease, fence
from cloudpay.kernel.log import get_logger
from cloudpay.payments import blocks
from cloudpay.payments.alarms import poll_alerts, tell_poll
from cloudpay.payments.arrivals import Arrived
from cloudpay.payments.credit import settle
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.networks import OTHER_GENESIS, enter, network_row
from cloudpay.payments.nodes import NODE_ALERTS, NodeBook
from cloudpay.payments.opinions import Confirmed, LargeCredits
from cloudpay.payments.states import NetworkStatus

log = get_logger(__name__)

_QUIET = timedelta(seconds=1)
"""A poll that found nothing new is written down at most this often."""


class Heartbeat:
    """Writes down what polls saw of a network's head, without a commit for each one that saw nothing new."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._last: tuple[datetime, Head] | None = None
        self._nodes = NodeBook(network.code)
        self._large = LargeCredits(gateway, network, adapter)
        self._told: list[Alert] = []
        self._behind_at: datetime | None = None

    def beat(
        self,
        lease: Lease,
        began: datetime,
        head: Head,
        looked_until: datetime | None,
        arrived: Arrived,
        *,
        busy: bool,
    ) -> None:
        """Record a poll that began at `began` and saw `head`.

        `looked_until` is the moment up to which everything that was expected has been looked for; None when the poll
        did not come so far. `arrived` holds balances at the head's final block, where payments wait for them.
        """
        if not busy and self._last is not None:
            at, seen = self._last
            if seen == head and began - at < _QUIET:
                return
        confirmed = self._large.confirmed(head)

        def work(session: Session) -> None:
            fence(session, lease)
            row = network_row(session, self._network.code)
            self._record(session, row, began, head, looked_until, arrived, confirmed)
            self._tell(session, row, began, arrived.alerts)
            passing(Failpoint.HEARTBEAT_RECORDED)

        self._gateway.db.run(work)
        passing(Failpoint.HEARTBEAT_COMMITTED)
        self._last = (began, head)

    def behind(self, began: datetime, head: Head, cursor: BlockRef) -> None:
        """Record that the node that answers is behind what was read: as good as silence, if it lasts."""
        if self._behind_at is not None and began - self._behind_at < _QUIET:
            return
        reason = f"{head.node} is at block {head.latest.height}, behind block {cursor.height}, which was read"
        note_silence(
            self._gateway,
            self._network,
            NodeUnavailable(self._network.code, reason),
            self._adapter.health(),
        )
        self._behind_at = began

    def _record(
        self,
        session: Session,
        row: NetworkRow,
        began: datetime,
        head: Head,
        looked_until: datetime | None,
        arrived: Arrived,
        confirmed: Confirmed,
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
            settle(session, self._gateway, self._network, row, head, arrived, confirmed)
            if looked_until is not None:
                row.polled_at = max(row.polled_at or looked_until, looked_until)

    def _tell(self, session: Session, row: NetworkRow, now: datetime, of_arrivals: Sequence[Alert]) -> None:
        """Write the nodes down when it is time, and open and clear what they and the row give cause for."""
        health = self._adapter.health()
        due = self._nodes.due(now, health)
        wanted = [*poll_alerts(self._network, row, now), *self._large.alerts, *of_arrivals]
        if not due and wanted == self._told:
            return
        self._told = wanted
        of_nodes = self._nodes.write(session, now, health)
        tell_poll(session, self._gateway, row.code, [*wanted, *of_nodes])


def note_silence(
    gateway: Gateway, network: Network, error: CloudPayError, health: Sequence[NodeHealth] = ()
) -> None:
    """Record that no node answered, and how each is doing; after long enough the network is stalled."""

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
        if health:
            of_nodes = NodeBook(network.code).write(session, now, health)
            keep_alerts(session, gateway, network.code, NODE_ALERTS, of_nodes)

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
        genesis = _first_block(network, adapter)
    except (NodeUnavailable, ConfigurationError) as error:
        reason = error.message
        gateway.db.run(lambda session: _unverified(session, gateway, network, reason))
        raise
    gateway.db.run(lambda session: _verified(session, gateway, network, start, genesis))
    passing(Failpoint.NETWORK_VERIFIED)


def _was_read(gateway: Gateway, network: Network) -> bool:
    with gateway.db.read() as session:
        row = session.get(NetworkRow, network.code)
        return row is not None and row.cursor_hash is not None


def _first_block(network: Network, adapter: ChainAdapter) -> str | None:
    """Answer the hash of the chain's first block; None where no node still has it."""
    try:
        return adapter.header_at(0).hash
    except NodeUnavailable as error:
        log.info("first_block_unknown", network=network.code, reason=error.reason)
        return None


def _unverified(session: Session, gateway: Gateway, network: Network, reason: str) -> None:
    row = network_row(session, network.code)
    if row.status != NetworkStatus.PAUSED:
        enter(session, gateway, row, NetworkStatus.UNVERIFIED, reason)


def _verified(
    session: Session, gateway: Gateway, network: Network, start: Header | None, genesis: str | None
) -> None:
    row = network_row(session, network.code)
    if genesis is not None and row.genesis_hash not in (None, genesis):
        reason = (
            f"{OTHER_GENESIS}: {genesis} instead of {row.genesis_hash}. Correct rpc_urls and run `cloudpay chains "
            f"resume {network.code}`; with --anew where the nodes are right, and the chain itself began anew."
        )
        enter(session, gateway, row, NetworkStatus.PAUSED, reason)
        return
    row.genesis_hash = row.genesis_hash or genesis
    if start is not None and row.cursor_hash is None:
        blocks.keep(session, network.code, [start])
        row.cursor_height, row.cursor_hash = start.height, start.hash
    if row.status == NetworkStatus.UNVERIFIED:
        row.answered_at = gateway.clock.now(session)
        enter(session, gateway, row, NetworkStatus.ACTIVE)
