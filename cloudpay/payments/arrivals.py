"""Tokens whose logs may say more than arrives: what is credited of them is held against the address's balance."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Holding
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.money import format_amount
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.own import own_moves
from cloudpay.payments.rows import announce
from cloudpay.payments.states import PAYMENT, PaymentStatus

log = get_logger(__name__)

_LONGEST_WAIT = timedelta(minutes=1)
"""Until nodes that have not told balances for long are asked again."""


@dataclass(frozen=True)
class Arrived:
    """What lay at addresses in tokens at the final block, in base units, by (address, contract).

    `alerts` say that nobody has known for long.
    """

    height: int = 0
    balances: Mapping[tuple[str, str], int] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()


NOTHING_ASKED = Arrived()


class ArrivalLook:
    """Asks for the balances of what is about to be credited in the tokens with `verify_balance`."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._contracts = [asset.key for asset in network.assets if asset.verify_balance and asset.contract]
        self._unknown_since: datetime | None = None
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def at(self, final: BlockRef, began: datetime) -> Arrived:
        """Answer the balances at the final block, in a poll that began at `began`.

        Nothing of what is not known, so that its crediting waits. A node that has refused is not asked in every poll:
        it would count as failing, and may only be too young for blocks so far behind its head.
        """
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
            self._unknown_since = None
            return NOTHING_ASKED
        if self._unknown_since is not None and began < self._not_before:
            return self._unknown(self._unknown_since, began)
        try:
            found = self._adapter.balances([Holding(address, asset) for address, asset in waiting], final)
        except (NodeUnavailable, Unlinked) as error:  # other payments need not wait for this token
            log.warning("balance_unknown", network=self._network.code, reason=error.message)
            self._unknown_since = self._unknown_since or began
            self._not_before = began + min(_LONGEST_WAIT, began - self._unknown_since)
            return self._unknown(self._unknown_since, began)
        self._unknown_since = None
        return Arrived(
            final.height, {(each.address, each.contract or ""): units for each, units in found.items()}
        )

    def _unknown(self, since: datetime, began: datetime) -> Arrived:
        """Answer nothing; with an alert when it has been so for long."""
        if began - since <= timedelta(seconds=self._network.settings.stalled_after_seconds):
            return NOTHING_ASKED
        code = self._network.code
        symbols = ", ".join(each.symbol for each in self._network.assets if each.verify_balance)
        sentence = (
            f"Payments on {code} in {symbols} have not been credited since {since:%Y-%m-%d %H:%M} UTC: no node tells "
            "what lies at their addresses in the final block."
        )
        return Arrived(alerts=(Alert(AlertKind.BALANCES_UNKNOWN, code, sentence),))


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
    _tell(session, gateway, payment, room)
    if room > 0:
        payment.amount = room
        return True
    payment.status = PAYMENT.check(PaymentStatus(payment.status), PaymentStatus.ORPHANED)
    announce(session, gateway, payment)
    return False


def _tell(session: Session, gateway: Gateway, payment: PaymentRow, room: int) -> None:
    asset = gateway.chains.network(payment.network).asset_of(payment.asset)
    symbol, decimals = (asset.symbol, asset.decimals) if asset else (payment.asset, 0)
    credited = f"{format_amount(room, decimals)} {symbol}" if room else "nothing"
    sentence = (
        f"A log on {payment.network} told of {format_amount(payment.amount, decimals)} {symbol} for invoice "
        f"{payment.invoice_id}, but less lies there: {credited} of it is credited."
    )
    subject = f"{payment.network}/{symbol}"
    open_alert(session, gateway, Alert(AlertKind.LESS_ARRIVED, subject, sentence))
