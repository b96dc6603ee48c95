"""Tokens that were paid and cannot be moved, by a pause or a block of the address: tried out seldom, a few at a time.

What is stuck counts as paid, and only whoever collects it would notice.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import ChainAdapter, TokenFinder
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Head, Holding
from cloudpay.kernel.leases import Lease, fence
from cloudpay.kernel.log import get_logger
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.states import PaymentStatus
from cloudpay.wallets.service import deposits, master_address

log = get_logger(__name__)

_EVERY = timedelta(minutes=10)
_RECENT = timedelta(days=1)
_NEWEST, _AGAIN = 10, 10
"""Payments tried out at one look: the newest ones, and as many of the others of a day in turn."""


class _Paid(NamedTuple):
    id: str
    address: str
    asset: str
    invoice_id: str
    final_at: datetime | None


class StuckLook:
    """Looks at the token payments of one network that became final lately; costs some calls every ten minutes."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._contracts = [asset.key for asset in network.assets if asset.contract]
        self._due_at: datetime | None = None
        self._place: str | None = None
        """The payment that was tried out last of those that have their turns; None before the newest one."""

    def turn(self, lease: Callable[[], Lease], began: datetime, head: Head, *, quiet: bool) -> None:
        """Try out some, if it is time, in a poll that has come to the head; one that was not `quiet` leaves it once.

        Nodes that fail are no reason to stop reading: others have their turn at the next look. Raises `LeaseLost`.
        """
        self._due_at = self._due_at or began + _EVERY
        if began < self._due_at + (timedelta() if quiet else _EVERY) or not self._contracts:
            return
        self._due_at = began + _EVERY
        paid = self._paid(began - _RECENT)
        if not paid or not isinstance(self._adapter, TokenFinder):
            return
        try:
            stuck = self._stuck(self._adapter, paid, head)
        except (NodeUnavailable, Unlinked) as error:
            log.warning("stuck_tokens_unknown", network=self._network.code, reason=error.message)
            return
        if stuck:
            held = lease()
            self._gateway.db.run(lambda session: self._tell(session, held, stuck))

    def _paid(self, since: datetime) -> Mapping[Holding, _Paid]:
        with self._gateway.db.read() as session:
            newest = self._before(session, None, _NEWEST)
            in_turn = self._before(session, self._place, _AGAIN)
        recent = [each for each in in_turn if _is_since(each, since)]
        self._place = recent[-1].id if len(recent) == _AGAIN else None
        found = [*(each for each in newest if _is_since(each, since)), *recent]
        return {Holding(each.address, each.asset): each for each in found}

    def _before(self, session: Session, place: str | None, limit: int) -> list[_Paid]:
        """Answer the token payments before a place, newest first: their ids are in the order of time."""
        row = PaymentRow
        statement = select(row.id, row.address, row.asset, row.invoice_id, row.final_at).where(
            row.network == self._network.code,
            row.status == PaymentStatus.FINAL,
            row.asset.in_(self._contracts),
        )
        if place is not None:
            statement = statement.where(row.id < place)
        rows = session.execute(statement.order_by(row.id.desc()).limit(limit))
        return [_Paid(*each) for each in rows]

    def _stuck(self, finder: TokenFinder, paid: Mapping[Holding, _Paid], head: Head) -> list[_Paid]:
        """Answer the payments whose address could not send what it holds to its merchant's master, newest first."""
        balances = self._adapter.balances(paid, head.latest.ref)
        there = {holding: units for holding, units in balances.items() if units > 0}
        with self._gateway.db.read() as session:
            known = deposits(session, self._network.key_family.name, {each.address for each in there})
        by_account: defaultdict[int, dict[Holding, int]] = defaultdict(dict)
        for holding, units in there.items():
            by_account[known[holding.address].account][holding] = units
        found: list[_Paid] = []
        for account, held in by_account.items():
            master = master_address(self._gateway, self._network, account)
            blocked = finder.stuck(held, master)
            found += [each for holding, each in paid.items() if holding in blocked]
        return found

    def _tell(self, session: Session, lease: Lease, stuck: list[_Paid]) -> None:
        fence(session, lease)
        code = self._network.code
        for each in {
            each.asset: each for each in reversed(stuck)
        }.values():  # the newest speaks for its token
            asset = self._network.asset_of(each.asset)
            symbol = asset.symbol if asset else each.asset
            sentence = (
                f"{symbol} on {code} that was paid to {each.address} for invoice {each.invoice_id} cannot be moved "
                "from there now; other payments may be stuck, too."
            )
            open_alert(session, self._gateway, Alert(AlertKind.TOKEN_STUCK, f"{code}/{symbol}", sentence))


def _is_since(paid: _Paid, moment: datetime) -> bool:
    return paid.final_at is not None and paid.final_at >= moment
