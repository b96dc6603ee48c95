"""Looking at balances, where the nodes do not show the native money that contracts send."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Capability, Header, Holding
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.leases import Lease, fence
from cloudpay.payments.inferred import record_surplus
from cloudpay.payments.models import NativeWatchRow
from cloudpay.payments.networks import network_row
from cloudpay.wallets.service import DepositAddress

BUDGET = 200
"""Addresses whose balance is asked at one block: those of open invoices first, then the longest unasked."""

_KEPT = timedelta(days=7)
_STILL_OPEN = timedelta(minutes=10)
"""For so long after its expiry an address is asked as if its invoice were open: one look is due when it is over."""


def expect_native(
    session: Session, gateway: Gateway, network: Network, deposit: DepositAddress, expires_at: datetime
) -> None:
    """Have the balance of a new deposit address looked at, till some days after its invoice's expiry."""
    session.add(
        NativeWatchRow(
            deposit_address_id=deposit.id,
            network=network.code,
            address=deposit.address,
            until=expires_at + _KEPT,
            checked_at=gateway.clock.now(session),
        )
    )


class BalanceLook:
    """Looks at the watched balances of one network once at each block that is the head."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._at: str | None = None
        self._left_out: datetime | None = None

    def at(self, head: Header, lease: Lease, began: datetime) -> datetime | None:
        """Record what came in unseen up to a block that was read, in a poll that began at `began`.

        Answer the moment up to which no address of an open invoice was left unlooked at; None when that block has
        left the chain meanwhile.
        """
        if Capability.TRACES in self._adapter.capabilities:
            return began
        if self._at != head.hash:
            try:
                self._left_out = self._look(head, lease, began)
            except Unlinked:
                return None  # the next poll follows the reorganisation
            self._at = head.hash
        return began if self._left_out is None else min(began, self._left_out)

    def _look(self, head: Header, lease: Lease, began: datetime) -> datetime | None:
        """Look at as many balances as the budget allows; answer since when some open one has been waiting."""
        open_until = began + _KEPT - _STILL_OPEN
        with self._gateway.db.read() as session:
            watched = session.scalars(
                select(NativeWatchRow)
                .where(NativeWatchRow.network == self._network.code, NativeWatchRow.until >= began)
                .order_by(NativeWatchRow.until <= open_until, NativeWatchRow.checked_at)
                .limit(BUDGET)
            ).all()
        if not watched:
            return None
        addresses = [row.address for row in watched]
        balances = self._adapter.balances([Holding(address, None) for address in addresses], head.ref)
        found = {holding.address: amount for holding, amount in balances.items()}
        passing(Failpoint.BALANCES_ASKED)
        self._gateway.db.run(lambda session: self._record(session, head, lease, began, addresses, found))
        last = watched[-1]
        all_open_seen = len(watched) < BUDGET or last.until <= open_until
        return None if all_open_seen else last.checked_at

    def _record(
        self,
        session: Session,
        head: Header,
        lease: Lease,
        began: datetime,
        addresses: Sequence[str],
        found: dict[str, int],
    ) -> None:
        fence(session, lease)
        row = network_row(session, self._network.code)  # locked: a rescan may be finding the same money
        if row.cursor_hash != head.hash:  # a reorganisation in between makes these balances another chain's
            raise Unlinked(head.ref)
        record_surplus(session, self._gateway, self._network, head, found)
        session.execute(
            update(NativeWatchRow)
            .where(NativeWatchRow.network == row.code, NativeWatchRow.address.in_(addresses))
            .values(checked_at=began)
        )
        passing(Failpoint.BALANCES_RECORDED)
