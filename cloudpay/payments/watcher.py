"""One look at one network: read on from the cursor, follow a reorganisation, credit what is final."""

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Capability, Head, Header, Page
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.leases import Lease, LeaseKeeper, LeaseLost
from cloudpay.kernel.log import get_logger
from cloudpay.payments.again import SecondReader
from cloudpay.payments.arrivals import NOTHING_ASKED, ArrivalLook
from cloudpay.payments.balances import BalanceLook
from cloudpay.payments.forks import newest_held, stored_below
from cloudpay.payments.health import Heartbeat
from cloudpay.payments.masters import MasterMaker
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.networks import LOST_THREAD, pause
from cloudpay.payments.opinions import require_second_word
from cloudpay.payments.pace import Pace
from cloudpay.payments.pages import PageCommit, check_links
from cloudpay.payments.progress import Progress
from cloudpay.payments.states import READABLE
from cloudpay.payments.stuck import StuckLook
from cloudpay.wallets.service import ours

log = get_logger(__name__)


@dataclass
class Watcher:
    """Watches one network under a lease; every commit is fenced by it."""

    gateway: Gateway
    network: Network
    adapter: ChainAdapter
    keeper: LeaseKeeper
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._heartbeat = Heartbeat(self.gateway, self.network, self.adapter)
        self._arrivals = ArrivalLook(self.gateway, self.network, self.adapter)
        self._balances = BalanceLook(self.gateway, self.network, self.adapter)
        self._again = SecondReader(self.gateway, self.network, self.adapter, self._ours)
        self._stuck = StuckLook(self.gateway, self.network, self.adapter)
        self._masters = MasterMaker(self.gateway)
        self._progress = Progress(self.network.code, self.network.settings.scan_limit)
        self.pace = Pace(self.network.settings)
        self._pages = 0

    def done(self) -> tuple[int, int]:
        """Answer what differs as soon as a node was asked again, or a page was read; from any thread."""
        return self._pages, sum(node.calls for node in self.adapter.health())

    def poll(self) -> int:
        """Read what is new and credit what is final; answer how many blocks were read.

        Raises `NodeUnavailable` when nothing could be learnt and `LeaseLost` when another process took over; what was
        committed stands, and the next poll goes on from there.
        """
        passing(Failpoint.POLL_BEGUN)
        with self.gateway.db.read() as session:
            began = self.gateway.clock.now(session)
            row = session.get(NetworkRow, self.network.code)
            cursor = _cursor(row)
            trusted = row is not None and row.status in READABLE
        self._masters.make(began)
        head = self.adapter.head()
        self.pace.meet(head.latest)
        if cursor is not None and head.latest.height < cursor.height:
            self._heartbeat.behind(began, head, cursor)
            return 0  # a node that lags, or went backwards, knows less than we do
        read, newest = self._read_on(cursor, head) if trusted else (0, None)
        looked_until = self._balances.at(newest, head.final, self._lease(), began) if newest else None
        arrived = self._arrivals.at(head.final, began) if trusted else NOTHING_ASKED
        self._heartbeat.beat(self._lease(), began, head, looked_until, arrived, busy=read > 0)
        if newest is not None and not self.stop.is_set():
            self._again.turn(self._lease, began, head, quiet=read == 0)
            self._stuck.turn(self._lease, began, head, quiet=read == 0)
        return read

    def _read_on(self, cursor: BlockRef | None, head: Head) -> tuple[int, Header | None]:
        """Read up to the head; answer how many blocks, and the newest one when there is nothing more to read."""
        if head.latest.ref == cursor:
            return 0, head.latest  # nothing is new: a quiet poll costs no more than the question for the head
        read, newest = 0, None
        while not self.stop.is_set():
            try:
                found = self._next_page(cursor, head)
            except NodeUnavailable:
                if not read:
                    raise
                return read, None  # a limit came: what was read stands, and the next poll goes on from there
            if found is None:
                return read, None
            after, page = found
            if not page.headers and after == cursor:
                break
            traced = Capability.TRACES in self.adapter.capabilities  # as the page was read just now
            self._balances.moves()
            commit = PageCommit(self.gateway, self.network, self._lease(), head, self._progress, traced)
            if not commit.run(cursor, after, page) or not page.headers:
                return read, None
            read += len(page.headers)
            newest = page.headers[-1]
            cursor = newest.ref
            if cursor.height >= head.latest.height:
                break
        return read, newest if newest and newest.height >= head.latest.height else None

    def _next_page(self, cursor: BlockRef | None, head: Head) -> tuple[BlockRef | None, Page] | None:
        """Answer the next page and the block that it follows: the cursor, or after a reorganisation an older block.

        None when no block that was read is on the chain any more; the network is paused then.
        """
        after = cursor
        while True:
            try:
                page = self._read(after)
            except Unlinked:
                after = self._older(after, head)
                if after is None:
                    pause(self.gateway, self.network.code, LOST_THREAD)
                    return None
            else:
                check_links(self.network, after, page)
                if after is not None and after != cursor:
                    self._require_final_to_stay(after, page)
                passing(Failpoint.PAGE_SCANNED)
                return after, page

    def _read(self, after: BlockRef | None) -> Page:
        began = time.monotonic()
        page = self.adapter.scan(after, self.network.settings.scan_limit, self._ours)
        seconds = time.monotonic() - began
        self._pages += 1
        if seconds > self.keeper.ttl.total_seconds():
            log.warning(
                "slow_page",
                network=self.network.code,
                node=page.node,
                blocks=len(page.headers),
                seconds=round(seconds),
            )
        return page

    def _older(self, block: BlockRef | None, head: Head) -> BlockRef | None:
        """Answer the block to go back to; None when what was read and final is gone.

        Where all that was read is gone and none of it was final yet, as with the few blocks since a first start, it is
        the newest block that was final then, or is now: what was read may have come back lower than it was.
        """
        if block is None:
            return None
        with self.gateway.db.read() as session:
            stored = stored_below(session, self.network.code, block.height)
            row = session.get(NetworkRow, self.network.code)
            was_final = None if row is None else row.final_height
        lowest = stored[-1] if stored else block
        older = newest_held(stored, partial(self._is_held, head))
        if older is not None or (was_final is not None and was_final >= lowest.height):
            return older
        to = min(lowest.height - 1, head.final.height, lowest.height if was_final is None else was_final)
        return self.adapter.header_at(max(to, 0)).ref

    def _require_final_to_stay(self, after: BlockRef, page: Page) -> None:
        """Raise `NodeUnavailable` where going back to a block takes back final ones, on the word of one node alone."""
        with self.gateway.db.read() as session:
            row = session.get(NetworkRow, self.network.code)
            final = None if row is None else row.final_height
        if final is not None and after.height < final:
            require_second_word(self.network, self.adapter, final, page)

    def _is_held(self, head: Head, block: BlockRef) -> bool:
        return block.height <= head.latest.height and self.adapter.header_at(block.height).ref == block

    def _lease(self) -> Lease:
        lease = self.keeper.hold()
        if lease is None:
            raise LeaseLost(f"watch:{self.network.code}")
        return lease

    def _ours(self, addresses: Collection[str]) -> frozenset[str]:
        with self.gateway.db.read() as session:
            return ours(session, self.network.key_family.name, addresses)


def _cursor(row: NetworkRow | None) -> BlockRef | None:
    if row is None or row.cursor_height is None or row.cursor_hash is None:
        return None
    return BlockRef(row.cursor_height, row.cursor_hash)
