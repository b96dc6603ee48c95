"""A large amount is credited when a second node has its block, too: one node alone may lie, or be on another fork."""

from collections.abc import Iterator, Mapping
from typing import cast

from sqlalchemy import and_, or_, select

from cloudpay.alerts.service import Alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import ChainAdapter, Opinion, SecondOpinions
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Capability, Head
from cloudpay.kernel.log import get_logger
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.states import PaymentStatus

Confirmed = frozenset[BlockRef] | None
"""The blocks that a second node has; None where there is no second node that could be asked."""

NOT_ASKED: Confirmed = frozenset()
"""No second node was asked: large amounts wait for the end of the poll, where one is."""

_MOST = 100
"""Blocks that are asked for at one look; the others wait for the next."""

log = get_logger(__name__)


class LargeCredits:
    """Asks for second opinions on the blocks of large payments that are about to be credited."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self.alerts: tuple[Alert, ...] = ()
        """What the last question has shown."""

    def confirmed(self, head: Head) -> Confirmed:
        """Answer the blocks up to the final one that a second node confirms. No transaction may be open."""
        self.alerts = ()
        if Capability.SECOND_OPINION not in self._adapter.capabilities:
            return None
        wanted = self._blocks(head.final.height)
        if not wanted:
            return frozenset()
        opinions = cast("SecondOpinions", self._adapter).second_opinions(wanted)
        self.alerts = tuple(self._disputes(opinions))
        waiting = [block.height for block, opinion in opinions.items() if opinion is not Opinion.AGREED]
        if waiting:
            log.warning("large_amounts_wait", network=self._network.code, blocks=waiting)
        return frozenset(block for block, opinion in opinions.items() if opinion is Opinion.AGREED)

    def _blocks(self, final: int) -> list[BlockRef]:
        large = [
            and_(PaymentRow.asset == asset.key, PaymentRow.amount >= asset.large_amount)
            for asset in self._network.assets
            if asset.large_amount is not None
        ]
        if not large:
            return []
        statement = (
            select(PaymentRow.block_height, PaymentRow.block_hash)
            .where(
                PaymentRow.network == self._network.code,
                PaymentRow.status == PaymentStatus.CONFIRMING,
                PaymentRow.block_height <= final,
                or_(*large),
            )
            .distinct()
            .order_by(PaymentRow.block_height)
            .limit(_MOST)
        )
        with self._gateway.db.read() as session:
            return [BlockRef(height, block_hash) for height, block_hash in session.execute(statement)]

    def _disputes(self, opinions: Mapping[BlockRef, Opinion]) -> Iterator[Alert]:
        disputed = [block for block, opinion in opinions.items() if opinion is Opinion.DISPUTED]
        if disputed:
            code, block = self._network.code, min(disputed)
            yield Alert(
                AlertKind.NODES_DISAGREE,
                code,
                f"A large payment in block {block.height} of {code} is not credited: not every node has "
                f"{block.hash} there.",
            )
