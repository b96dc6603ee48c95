"""Tokens whose logs may say more than arrives: what is credited of them is held against the address's balance."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Holding
from cloudpay.kernel.log import get_logger
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.own import own_moves
from cloudpay.payments.rows import announce
from cloudpay.payments.states import PAYMENT, PaymentStatus

log = get_logger(__name__)


@dataclass(frozen=True)
class Arrived:
    """What lay at addresses in tokens at the final block, in base units, by (address, contract)."""

    height: int = 0
    balances: Mapping[tuple[str, str], int] = field(default_factory=dict)


NOTHING_ASKED = Arrived()


class ArrivalLook:
    """Asks for the balances of what is about to be credited in the tokens with `verify_balance`."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._contracts = [asset.key for asset in network.assets if asset.verify_balance and asset.contract]

    def at(self, final: BlockRef) -> Arrived:
        """Answer the balances at the final block; nothing of what is not known, so that its crediting waits."""
        if not self._contracts:
            return NOTHING_ASKED
        with self._gateway.db.read() as session:
            waiting = session.execute(
                select(PaymentRow.address, PaymentRow.asset)
                .where(
                    PaymentRow.network == self._network.code,
                    PaymentRow.status == PaymentStatus.CONFIRMING,
                    PaymentRow.block_height <= final.height,
                    PaymentRow.asset.in_(self._contracts),
                )
                .distinct()
            ).all()
        if not waiting:
            return NOTHING_ASKED
        try:
            found = self._adapter.balances([Holding(address, asset) for address, asset in waiting], final)
        except (NodeUnavailable, Unlinked) as error:  # other payments need not wait for this token
            log.warning("balance_unknown", network=self._network.code, reason=error.message)
            return NOTHING_ASKED
        return Arrived(
            final.height, {(each.address, each.contract or ""): units for each, units in found.items()}
        )


def hold_to_balance(session: Session, gateway: Gateway, payment: PaymentRow, arrived: Arrived) -> bool:
    """Cut a payment down to what arrived; False when nothing did, or nobody knows yet: it is not to be credited now.

    All credits of an address in a token never exceed what lies there and what we have moved away, whatever logs say.
    """
    key = payment.address, payment.asset
    if key not in arrived.balances:
        return False
    moved = own_moves(session, payment.network, [payment.address], arrived.height)
    income = arrived.balances[key] - moved.get(key, 0)
    credited = session.scalars(
        select(PaymentRow.amount).where(
            PaymentRow.network == payment.network,
            PaymentRow.address == payment.address,
            PaymentRow.asset == payment.asset,
            PaymentRow.status == PaymentStatus.FINAL,
        )
    )
    room = max(0, income - sum(credited))
    if room >= payment.amount:
        return True
    log.warning("less_arrived", payment=payment.id, told=str(payment.amount), arrived=str(room))
    if room > 0:
        payment.amount = room
        return True
    payment.status = PAYMENT.check(PaymentStatus(payment.status), PaymentStatus.ORPHANED)
    announce(session, gateway, payment)
    return False
