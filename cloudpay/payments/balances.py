"""Looking at balances, where the nodes do not show the native money that contracts send."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Capability, Header, Holding
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.leases import Lease, fence
from cloudpay.kernel.log import get_logger
from cloudpay.payments import blocks
from cloudpay.payments.inferred import Balances, record_surplus, surpluses
from cloudpay.payments.models import NativeWatchRow
from cloudpay.payments.networks import network_row
from cloudpay.payments.turns import Turn, next_look, was_unlooked
from cloudpay.wallets.service import DepositAddress

BUDGET = 100
"""Addresses looked at at one block, where a node answers each balance by a call of its own."""

BUDGET_AT_ONCE = 1_500
"""The same, where it answers many in one call."""

_KEPT = timedelta(days=7)
"""For so long after its invoice's expiry an address is looked at, ever less often."""

log = get_logger(__name__)


def expect_native(
    session: Session, gateway: Gateway, network: Network, deposit: DepositAddress, expires_at: datetime
) -> None:
    """Have the balance of a new deposit address looked at, till some days after its invoice's expiry."""
    now = gateway.clock.now(session)
    session.add(
        NativeWatchRow(
            deposit_address_id=deposit.id,
            network=network.code,
            address=deposit.address,
            created_at=now,
            expires_at=expires_at,
            look_at=now,
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

        Answer a moment so that every address whose invoice expired before it has been looked at since; None when that
        block has left the chain meanwhile.
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
        """Look at as many balances as the budget allows; answer when the first that was left out was due."""
        many = Capability.MANY_BALANCES in self._adapter.capabilities
        turns, left_out = self._turns(BUDGET_AT_ONCE if many else BUDGET)
        if not turns and not many:
            return None
        # Without any address it is asked too, for the block alone: so every poll costs the same.
        now = self._balances([turn.address for turn in turns], head)
        with self._gateway.db.read() as session:
            new = surpluses(session, self._network.code, now)
        found = [*self._in_time([turn for turn in turns if turn.address in new], head, began), now]
        passing(Failpoint.BALANCES_ASKED)
        looked = turns if left_out is not None else [turn for turn in turns if was_unlooked(turn, began)]
        if new or looked:
            self._gateway.db.run(lambda session: self._record(session, head, lease, began, looked, found))
        return left_out

    def _turns(self, budget: int) -> tuple[list[Turn], datetime | None]:
        """Answer whose turn it is, the longest due first, and when the first was due for whom there is no room."""
        row = NativeWatchRow
        turn = select(row.deposit_address_id, row.address, row.created_at, row.expires_at, row.look_at)
        due = turn.where(row.network == self._network.code).order_by(row.look_at).limit(budget + 1)
        with self._gateway.db.read() as session:
            turns = [Turn(*each) for each in session.execute(due)]
        return turns[:budget], turns[budget].look_at if len(turns) > budget else None

    def _balances(self, addresses: Sequence[str], at: Header) -> Balances:
        asked = [Holding(address, None) for address in addresses]
        return Balances(at, {each.address: n for each, n in self._adapter.balances(asked, at.ref).items()})

    def _in_time(self, turns: Sequence[Turn], head: Header, began: datetime) -> list[Balances]:
        """Answer what some had at the last block before their expiry, where that passed since they were looked at.

        A node that has no balances of that block any more says nothing: such a payment counts as seen now.
        """
        found: list[Balances] = []
        with self._gateway.db.read() as session:
            last = {
                turn: blocks.newest_until(session, self._network.code, turn.expires_at)
                for turn in turns
                if was_unlooked(turn, began) and datetime.fromtimestamp(head.time, UTC) > turn.expires_at
            }
        for block in {each for each in last.values() if each is not None}:
            addresses = [turn.address for turn, at in last.items() if at == block]
            try:
                found.append(self._balances(addresses, block))
            except NodeUnavailable as error:
                log.warning(
                    "balances_too_old", network=self._network.code, height=block.height, reason=error.message
                )
        return sorted(found, key=lambda each: each.at.height)

    def _record(
        self,
        session: Session,
        head: Header,
        lease: Lease,
        began: datetime,
        looked: Sequence[Turn],
        found: Sequence[Balances],
    ) -> None:
        fence(session, lease)
        row = network_row(session, self._network.code)  # locked: a rescan may be finding the same money
        if row.cursor_hash != head.hash:  # a reorganisation in between makes these balances another chain's
            raise Unlinked(head.ref)
        record_surplus(session, self._gateway, self._network, found)
        over = [turn.deposit_id for turn in looked if turn.expires_at + _KEPT < began]
        again = [
            {"deposit_address_id": turn.deposit_id, "network": row.code, "look_at": next_look(turn, began)}
            for turn in looked
            if turn.expires_at + _KEPT >= began
        ]
        if again:
            session.execute(update(NativeWatchRow), again)
        if over:
            mine = (NativeWatchRow.network == row.code, NativeWatchRow.deposit_address_id.in_(over))
            session.execute(delete(NativeWatchRow).where(*mine))
        passing(Failpoint.BALANCES_RECORDED)
