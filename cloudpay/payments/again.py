"""A second reading of what has become final: a node that answers some logs, but not ours, is found out by it.

Nothing contradicts such an answer when it is first read, and blocks are read once. So final blocks are read again, a
piece at a time while there is nothing else to do, by another node where there is one.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter, Reading, SecondReading
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Capability, Head, Header, Watch
from cloudpay.kernel.leases import Lease, fence
from cloudpay.kernel.log import get_logger
from cloudpay.payments import blocks
from cloudpay.payments.credit import settle
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.networks import network_row
from cloudpay.payments.omissions import Compared, compare
from cloudpay.payments.states import NetworkStatus

log = get_logger(__name__)

_EVERY = timedelta(minutes=2)
"""Between two pieces, unless the second reading is more than a piece behind."""


class SecondReader:
    """Reads one network's final blocks again; its place is in the network's row."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter, watch: Watch) -> None:
        self._gateway, self._network, self._adapter, self._watch = gateway, network, adapter, watch
        self._step = network.settings.second_reading_blocks
        self._piece = max(self._step, network.settings.scan_limit)
        self._not_before: datetime | None = None
        self._due_height = 0
        self._doubted: frozenset[str] = frozenset()
        """Nodes that left out, at the last second reading, what the first had shown."""

    def turn(self, lease: Callable[[], Lease], began: datetime, head: Head, *, quiet: bool) -> None:
        """Read the next piece again, if it is time, in a poll that has come to the head.

        A poll that was not `quiet` leaves it for later, unless later never comes. Nodes that fail are no reason to
        stop reading the head: it is tried again after a while. Raises `LeaseLost`.
        """
        if self._step == 0 or Capability.SECOND_READING not in self._adapter.capabilities:
            return
        if self._due_height - self._step <= head.final.height < self._due_height:
            return
        if self._not_before is not None and began < self._not_before:
            return
        with self._gateway.db.read() as session:
            row = session.get(NetworkRow, self._network.code)
            if row is None or row.status != NetworkStatus.ACTIVE or row.final_height is None:
                return
            place, final = row.reread_height, min(row.final_height, head.final.height)
            after = max(blocks.lowest(session, row.code) - 1, 0) if place is None else place
        self._due_height = after + self._step
        if final < self._due_height or (not quiet and final - after < 2 * self._piece):
            return
        try:
            done = self._read(lease, place, after + 1, min(final, after + self._piece), head)
        except NodeUnavailable as error:
            log.warning("second_reading_failed", network=self._network.code, reason=error.reason)
            done = after
        self._due_height = done + self._step
        behind = done > after and final - done >= self._piece
        self._not_before = None if behind else began + _EVERY

    def _read(self, lease: Callable[[], Lease], place: int | None, first: int, last: int, head: Head) -> int:
        """Read a piece again and take it in; answer the block up to which it is done now."""
        code = self._network.code
        with self._gateway.db.read() as session:
            told_by = blocks.tellers(session, code, first, last)
        adapter = cast("SecondReading", self._adapter)
        reading = adapter.read_again(first, last, self._watch, self._doubted or told_by)
        heights = {transfer.block.height for transfer in reading.transfers}
        if not first <= reading.last.height <= last or not heights <= set(
            range(first, reading.last.height + 1)
        ):
            raise NodeUnavailable(code, f"{reading.node} answered blocks that were not asked for")
        times = self._times(reading)
        held = lease()

        def work(session: Session) -> bool | None:
            fence(session, held)
            row = network_row(session, code)
            if row.status != NetworkStatus.ACTIVE or row.reread_height != place:
                return None  # paused, or taken back, meanwhile
            if (row.final_height or 0) < reading.last.height:
                return None
            self._require_ours(blocks.at_heights(session, code, heights | {reading.last.height}), reading)
            if compare(session, self._gateway, self._network, Compared(first, reading, times)):
                row.reread_height = reading.last.height
                settle(session, self._gateway, self._network, row, head)
                return True
            return False

        taken_in = self._gateway.db.run(work)
        if taken_in is not None:
            self._doubted = frozenset() if taken_in else frozenset({reading.node})
        return reading.last.height if taken_in else first - 1

    def _times(self, reading: Reading) -> Mapping[int, int]:
        """Answer the times of the blocks that pay us; only those that were never stored are asked for."""
        told = {transfer.block.height for transfer in reading.transfers}
        with self._gateway.db.read() as session:
            stored = blocks.at_heights(session, self._network.code, told)
        fetched = {height: self._adapter.header_at(height) for height in sorted(told - set(stored))}
        headers = {**stored, **fetched}
        self._require_ours(headers, reading)
        return {height: header.time for height, header in headers.items()}

    def _require_ours(self, known: Mapping[int, Header], reading: Reading) -> None:
        """Raise `NodeUnavailable` where a block of the reading is not the one that was read at its height."""
        told: set[BlockRef] = {transfer.block for transfer in reading.transfers} | {reading.last.ref}
        for block in told:
            if block.height in known and known[block.height].hash != block.hash:
                reason = f"{reading.node} has another block {block.height} than the one that was read"
                raise NodeUnavailable(self._network.code, reason)
