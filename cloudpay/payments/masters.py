"""Master wallets while they are watched: every merchant has one, and what lies in it is what is booked.

Native money that a contract sends, and fees that nobody booked, show in no transfer where nodes trace nothing. So now
and then the balances are held against the ledger; a difference that lasts is told to a person, and booked by none.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, keep_alerts
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Head, Holding
from cloudpay.kernel.leases import Lease, fence
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.money import format_amount
from cloudpay.ledger.outside import in_masters
from cloudpay.payments.models import NetworkRow, OutsideTransferRow
from cloudpay.payments.states import NetworkStatus, PaymentStatus
from cloudpay.wallets.masters import MasterWallet, all_masters, make_masters

log = get_logger(__name__)

_MAKE_EVERY = timedelta(minutes=1)
_LOOK_EVERY = timedelta(hours=1)
_LOOK_AGAIN = timedelta(minutes=2)
"""After a difference was seen: what is on its way into the books has come there by then."""


class MasterLook:
    """Makes master wallets that are missing, and looks rarely at the balances of all of one network."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._make_at: datetime | None = None
        self._look_at: datetime | None = None
        self._seen: Mapping[str, int] = {}
        """By address, what lay there at the last look beyond what was booked; below zero: less than that."""

    def make(self, began: datetime) -> None:
        """Make what is missing, if it is time; before anything is read, so that it is watched at once."""
        if self._make_at is None or began >= self._make_at:
            make_masters(self._gateway)
            self._make_at = began + _MAKE_EVERY

    def turn(self, lease: Callable[[], Lease], began: datetime, head: Head) -> None:
        """Hold balances against the ledger, if it is time, in a poll that has booked up to the head's final block."""
        if self._look_at is None:
            self._look_at = (
                began + _LOOK_AGAIN
            )  # a gateway that has just started may be behind with its books
        if began < self._look_at:
            return
        self._look_at = began + _LOOK_AGAIN
        with self._gateway.db.read() as session:
            wallets = all_masters(session, self._network.key_family.name)
            ready = _is_booked(session, self._network, head)
        if not ready:
            return
        try:
            balances = self._adapter.balances([Holding(each.address, None) for each in wallets], head.final)
        except (NodeUnavailable, Unlinked) as error:
            log.warning("master_balances_unknown", network=self._network.code, reason=error.message)
            return
        amounts = {each.address: units for each, units in balances.items()}
        differences = self._tell(lease(), wallets, amounts)
        if not differences or differences == self._seen:
            self._look_at = began + _LOOK_EVERY
        self._seen = differences

    def _tell(
        self, lease: Lease, wallets: Sequence[MasterWallet], amounts: Mapping[str, int]
    ) -> dict[str, int]:
        code = self._network.code

        def work(session: Session) -> dict[str, int]:
            fence(session, lease)
            booked = in_masters(session, code, "")
            waiting = _waiting(session, code)
            found: dict[str, int] = {}
            for each in wallets:
                known = booked.get((each.merchant_id, each.livemode), 0) + waiting[each.address]
                if amounts[each.address] != known:
                    found[each.address] = amounts[each.address] - known
            lasting = {
                address: _smaller(now, self._seen[address])
                for address, now in found.items()
                if self._seen.get(address, 0) * now > 0
            }
            wanted = [self._alert(address, units) for address, units in lasting.items()]
            keep_alerts(session, self._gateway, code, (AlertKind.MASTER_DIFFERS,), wanted)
            return found

        return self._gateway.db.run(work)

    def _alert(self, address: str, units: int) -> Alert:
        network = self._network
        amount = format_amount(abs(units), network.native.decimals)
        than = "more" if units > 0 else "less"
        sentence = (
            f"The master wallet {address} on {network.code} has {amount} {network.native.symbol} {than} "
            "than is booked."
        )
        return Alert(AlertKind.MASTER_DIFFERS, f"{network.code}/{address}", sentence)


def _is_booked(session: Session, network: Network, head: Head) -> bool:
    """Say whether all that is final by this head has been read and booked."""
    row = session.get(NetworkRow, network.code)
    return row is not None and row.status == NetworkStatus.ACTIVE and row.final_height == head.final.height


def _waiting(session: Session, network: str) -> defaultdict[str, int]:
    """Answer by master wallet what is final and waits for a second node before it is booked."""
    row = OutsideTransferRow
    height = select(NetworkRow.final_height).where(NetworkRow.code == network).scalar_subquery()
    found = session.execute(
        select(row.address, row.amount, row.leaves).where(
            row.network == network,
            row.asset == "",
            row.status == PaymentStatus.CONFIRMING,
            row.block_height <= height,
        )
    )
    waiting: defaultdict[str, int] = defaultdict(int)
    for address, amount, leaves in found:
        waiting[address] += -amount if leaves else amount
    return waiting


def _smaller(first: int, second: int) -> int:
    return first if abs(first) < abs(second) else second
