"""Commit one page: cursor, blocks, payments, credits and events together, or nothing."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Head, Page
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.leases import Lease, LeaseLost, fence
from cloudpay.kernel.log import get_logger
from cloudpay.payments import blocks
from cloudpay.payments.alarms import tell_catch_up
from cloudpay.payments.credit import orphan_above, settle
from cloudpay.payments.inferred import is_inferred_above
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.networks import enter, network_row
from cloudpay.payments.observe import observe
from cloudpay.payments.progress import Progress
from cloudpay.payments.states import READABLE, NetworkStatus

log = get_logger(__name__)


def check_links(network: Network, after: BlockRef | None, page: Page) -> None:
    """Raise `NodeUnavailable` for a page that does not follow what was read, or not itself: it is not believed."""
    last = after
    for header in page.headers:
        if last is not None and page.linked and header.parent != last.hash:
            raise NodeUnavailable(network.code, f"block {header.height} does not follow block {last.height}")
        if last is not None and header.height <= last.height:
            raise NodeUnavailable(network.code, f"block {header.height} came after block {last.height}")
        last = header.ref
    told = {header.ref for header in page.headers}
    for transfer in page.transfers:
        if transfer.block not in told:
            raise NodeUnavailable(
                network.code,
                f"a transfer of block {transfer.block.height} came, and that block not in the page",
            )


@dataclass(frozen=True)
class PageCommit:
    """The transaction that takes a page in."""

    gateway: Gateway
    network: Network
    lease: Lease
    head: Head
    progress: Progress
    traced: bool = True
    """Whether the page shows native money that contracts sent, too."""

    def run(self, cursor: BlockRef | None, after: BlockRef | None, page: Page) -> bool:
        """Take the page in that follows `after`, where the stored cursor is `cursor`.

        False when nothing more may be read: the network is not verified, or paused, or has just been paused.
        Raises `LeaseLost` when another process has moved the cursor.
        """
        if not page.linked and page.headers[-1].height > self.head.final.height:
            raise NodeUnavailable(self.network.code, "a range was read above the final block")

        def work(session: Session) -> bool:
            fence(session, self.lease)
            passing(Failpoint.PAGE_FENCED)
            row = network_row(session, self.network.code)
            if row.status not in READABLE:
                return False
            if row.cursor_hash != (cursor.hash if cursor else None):
                raise LeaseLost(self.lease.name)
            deep = after is not None and after != cursor and self._rewind(session, row, after)
            self._take_in(session, row, page)
            passing(Failpoint.PAGE_TAKEN_IN)
            if row.status == NetworkStatus.ACTIVE:
                settle(session, self.gateway, self.network, row, self.head)
            passing(Failpoint.PAGE_SETTLED)
            return not deep

        goes_on = self.gateway.db.run(work)
        if page.headers:
            self.progress.tell(page.headers[-1].height)
        passing(Failpoint.PAGE_COMMITTED)
        return goes_on

    def _rewind(self, session: Session, row: NetworkRow, to: BlockRef) -> bool:
        """Go back to a block that is on the chain; answer whether that took back something final."""
        depth = (row.cursor_height or to.height) - to.height
        log.warning("reorganisation", network=row.code, depth=depth, height=to.height)
        if is_inferred_above(session, row.code, to.height):
            # What such a payment stands for may lie in an older block that is not read again.
            row.untraced_at = self.gateway.clock.now(session)
        taken_back = orphan_above(session, self.gateway, row.code, to.height)
        blocks.forget_above(session, row.code, to.height)
        passing(Failpoint.PAGE_REWOUND)
        deep = bool(taken_back) or to.height < (row.final_height or 0)
        row.cursor_height, row.cursor_hash = to.height, to.hash
        if row.reread_height is not None:
            row.reread_height = min(row.reread_height, to.height)
        if deep:
            row.final_height = to.height
            reason = (
                f"A reorganisation {depth} blocks deep went past finality: blocks above {to.height} were replaced and "
                f"{len(taken_back)} final payments were reversed. "
                f"Check the chain, then run `cloudpay chains resume {row.code}`."
            )
            enter(session, self.gateway, row, NetworkStatus.PAUSED, reason)
        return deep

    def _take_in(self, session: Session, row: NetworkRow, page: Page) -> None:
        if not page.headers:
            return
        blocks.keep(session, row.code, page.headers, page.node)
        times = {header.height: header.time for header in page.headers}
        observe(session, self.gateway, self.network, page.transfers, times)
        if not self.traced:
            row.untraced_at = self.gateway.clock.now(session)
        since, was_behind = row.cursor_height or page.headers[0].height, row.catch_up_from is not None
        row.cursor_height, row.cursor_hash = page.headers[-1].height, page.headers[-1].hash
        self.progress.note(row, since, self.head, self.gateway.clock.now(session))
        if was_behind or row.catch_up_from is not None:
            tell_catch_up(session, self.gateway, self.network, row)
