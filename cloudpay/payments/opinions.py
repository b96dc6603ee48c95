"""What one node alone is not believed, since it may lie or be on another fork: a second node is asked.

A large amount is credited when a second node has its block, too, where a payment is judged by all that its invoice has
received in that asset; what was final is taken back when a second one has the
block that takes its place.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from typing import cast

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import ChainAdapter, Opinion, SecondOpinions
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Capability, Head, Page
from cloudpay.kernel.log import get_logger
from cloudpay.payments.large import is_large, received
from cloudpay.payments.models import OutsideTransferRow, PaymentRow
from cloudpay.payments.states import PaymentStatus

Confirmed = frozenset[BlockRef] | None
"""The blocks that a second node has; None where there is no second node that could be asked."""

NOT_ASKED: Confirmed = frozenset()
"""No second node was asked: large amounts wait for the end of the poll, where one is."""

_MOST = 100
"""Blocks that are asked for at one look; the others have their turn at the next ones."""

log = get_logger(__name__)


def sure_enough(
    network: Network, found: PaymentRow | OutsideTransferRow, amount: int, head: Head, confirmed: Confirmed
) -> bool:
    """Say whether money that is final may be credited now, judged by an amount: a large one may have to wait."""
    if not is_large(network, found.asset, amount):
        return True
    if confirmed is not None and BlockRef(found.block_height, found.block_hash) not in confirmed:
        return False
    return head.latest.height - found.block_height + 1 >= network.settings.large_confirmations


def require_second_word(network: Network, adapter: ChainAdapter, final: int, page: Page) -> None:
    """Raise `NodeUnavailable` unless a second node has the block that takes the place of a final one.

    `page` is what follows the block to go back to, which lies below the block `final`. Where there is no second node,
    the one that there is has the only word.
    """
    if Capability.SECOND_OPINION in adapter.capabilities and not page.headers:
        raise NodeUnavailable(
            network.code, f"block {final}, which was final, is gone, and no other is shown for it"
        )
    require_agreed(network, adapter, [each.ref for each in page.headers[:1]])


def require_agreed(network: Network, adapter: ChainAdapter, blocks: Collection[BlockRef]) -> None:
    """Raise `NodeUnavailable` unless a second node, where one is named, has these blocks, which replace final ones."""
    if Capability.SECOND_OPINION not in adapter.capabilities:
        return
    for block, opinion in cast("SecondOpinions", adapter).second_opinions(blocks).items():
        if opinion is not Opinion.AGREED:
            others = (
                "another node has another one" if opinion is Opinion.DISPUTED else "no second node answers"
            )
            raise NodeUnavailable(
                network.code,
                f"block {block.height}, which was final, came with another hash, and {others}; nothing is taken back",
            )


class LargeCredits:
    """Asks for second opinions on the blocks of large payments that are about to be credited."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._last: BlockRef | None = None
        """The last block that was asked for where not all had room."""
        self._disputed: frozenset[BlockRef] = frozenset()
        self.alerts: tuple[Alert, ...] = ()
        """What the questions have shown of the blocks that wait."""

    def confirmed(self, head: Head) -> Confirmed:
        """Answer the blocks up to the final one that a second node confirms. No transaction may be open."""
        self.alerts = ()
        if Capability.SECOND_OPINION not in self._adapter.capabilities:
            return None
        all_waiting = self._blocks(head.final.height)
        wanted = self._in_turn(all_waiting)
        if not wanted:
            self._disputed = frozenset()
            return frozenset()
        opinions = cast("SecondOpinions", self._adapter).second_opinions(wanted)
        found = {block for block, opinion in opinions.items() if opinion is Opinion.DISPUTED}
        # What was disputed stays so until it is asked for again, or does not wait any more.
        self._disputed = frozenset(found | (self._disputed & set(all_waiting) - set(wanted)))
        self.alerts = tuple(self._disputes())
        waiting = [block.height for block, opinion in opinions.items() if opinion is not Opinion.AGREED]
        if waiting:
            log.warning("large_amounts_wait", network=self._network.code, blocks=waiting)
        return frozenset(block for block, opinion in opinions.items() if opinion is Opinion.AGREED)

    def _blocks(self, final: int) -> list[BlockRef]:
        if all(asset.large_amount is None for asset in self._network.assets):
            return []
        with self._gateway.db.read() as session:
            return sorted({*self._of_payments(session, final), *self._of_outside(session, final)})

    def _of_payments(self, session: Session, final: int) -> Iterator[BlockRef]:
        row = PaymentRow
        found = select(row.block_height, row.block_hash, row.address, row.asset).distinct()
        waiting = session.execute(found.where(*self._waiting(row, final))).all()
        sums = received(session, self._network, {each.address for each in waiting})
        for each in waiting:
            if is_large(self._network, each.asset, sums[each.address, each.asset]):
                yield BlockRef(each.block_height, each.block_hash)

    def _of_outside(self, session: Session, final: int) -> Iterator[BlockRef]:
        row = OutsideTransferRow
        found = select(row.block_height, row.block_hash, row.asset, row.amount)
        for each in session.execute(found.where(*self._waiting(row, final))):
            if is_large(self._network, each.asset, each.amount):
                yield BlockRef(each.block_height, each.block_hash)

    def _waiting(
        self, row: type[PaymentRow | OutsideTransferRow], final: int
    ) -> tuple[ColumnElement[bool], ...]:
        keys = [asset.key for asset in self._network.assets if asset.large_amount is not None]
        return (
            row.network == self._network.code,
            row.status == PaymentStatus.CONFIRMING,
            row.block_height <= final,
            row.asset.in_(keys),
        )

    def _in_turn(self, waiting: Sequence[BlockRef]) -> Sequence[BlockRef]:
        """Answer as many as one look has room for, going on behind those of the last one, and round again.

        So those that are never confirmed do not keep the others from being asked for.
        """
        if len(waiting) <= _MOST:
            self._last = None
            return waiting
        start = 0 if self._last is None else bisect_right(waiting, self._last)
        chosen = [*waiting[start:], *waiting[:start]][:_MOST]
        self._last = chosen[-1]
        return chosen

    def _disputes(self) -> Iterator[Alert]:
        if self._disputed:
            code, block = self._network.code, min(self._disputed)
            yield Alert(
                AlertKind.NODES_DISAGREE,
                code,
                f"A large payment in block {block.height} of {code} is not credited: not every node has "
                f"{block.hash} there.",
            )
