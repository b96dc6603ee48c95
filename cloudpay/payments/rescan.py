"""Read a range of blocks again, on demand: what was missed is found, what is gone is taken back, all else stays."""

from collections.abc import Callable, Collection
from functools import partial

from sqlalchemy.orm import Session

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Page
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.payments import blocks
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.networks import network_row
from cloudpay.payments.observe import observe
from cloudpay.payments.omissions import numbered_as_known
from cloudpay.payments.openings import opened_at
from cloudpay.payments.pages import check_links
from cloudpay.payments.replaced import take_back_replaced
from cloudpay.wallets.service import ours

Progress = Callable[[int, int], None]
"""Told the height that was read and how many transfers of ours have been found so far."""


def rescan(gateway: Gateway, code: str, first: int, last: int, progress: Progress) -> int:
    """Read the blocks from `first` to `last` (not beyond the cursor) again; answer how many transfers of ours they had.

    Safe beside the running watcher: payments have one identity, and only blocks that are still on the chain are
    taken in. What was found in old blocks that the chain has replaced since is taken back first.
    """
    network = gateway.chains.network(code)
    last = min(last, _cursor(gateway, network))
    if not 0 < first <= last:
        raise InvalidRequest(
            f"There is nothing to read from {first} to {last}; blocks up to {last} have been read."
        )
    _require_unopened(gateway, network, first)
    adapter = gateway.chains.adapter(code)

    def watch(addresses: Collection[str]) -> frozenset[str]:
        with gateway.db.read() as session:
            return ours(session, network.key_family.name, addresses)

    take_back_replaced(gateway, network, adapter, first, last)
    after = adapter.header_at(first - 1).ref
    found = 0
    while after.height < last:
        limit = min(network.settings.scan_limit, last - after.height)
        page = adapter.scan(after, limit, watch)
        if not page.headers:
            raise NodeUnavailable(code, f"its node answers no blocks above {after.height}")
        check_links(network, after, page)
        gateway.db.run(partial(_take_in, gateway=gateway, network=network, page=page))
        passing(Failpoint.RESCAN_COMMITTED)
        found += len(page.transfers)
        after = page.headers[-1].ref
        progress(after.height, found)
    return found


def _require_unopened(gateway: Gateway, network: Network, first: int) -> None:
    """What lay there when a restored wallet was opened is booked as a whole; older blocks would bring it once more."""
    with gateway.db.read() as session:
        opened = opened_at(session, network.code)
    if opened is not None and first <= opened:
        raise InvalidRequest(
            f"The wallet was restored at block {opened} of {network.code}: what older blocks brought is booked as what "
            f"lay there then. Read from {opened + 1} on."
        )


def _cursor(gateway: Gateway, network: Network) -> int:
    with gateway.db.read() as session:
        row = session.get(NetworkRow, network.code)
        return 0 if row is None else row.cursor_height or 0


def _take_in(session: Session, gateway: Gateway, network: Network, page: Page) -> None:
    row = network_row(session, network.code)  # locked: the watcher cannot rewind under us
    for transfer in page.transfers:
        if not _is_on_chain(session, network, transfer.block, row.final_height):
            raise NodeUnavailable(
                network.code, f"block {transfer.block.height} changed while it was read again"
            )
    times = {header.height: header.time for header in page.headers}
    observe(session, gateway, network, numbered_as_known(session, network, page.transfers), times)
    passing(Failpoint.RESCAN_TAKEN_IN)


def _is_on_chain(session: Session, network: Network, block: BlockRef, final_height: int | None) -> bool:
    known = blocks.hash_at(session, network.code, block.height)
    return known == block.hash if known is not None else block.height <= (final_height or 0)
