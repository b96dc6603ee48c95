"""Looking at balances, where the nodes do not show the native money that contracts send.

A look is at the newest block; on chains whose nodes keep no earlier state it is at the final one (`points.believed`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, insert, literal, or_, select
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Capability, Header, Holding
from cloudpay.kernel.columns import Moment
from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.inserts import NewRow
from cloudpay.kernel.leases import Lease
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.pruning import BATCH, prune
from cloudpay.payments import blocks
from cloudpay.payments.inferred import Balances, surpluses
from cloudpay.payments.looks import Look, LookBook
from cloudpay.payments.models import NativeWatchRow
from cloudpay.payments.points import believed
from cloudpay.payments.rounds import Round, choose, owed_since
from cloudpay.payments.turns import KEPT, Turn, is_over, is_owed, is_past
from cloudpay.wallets.models import DepositAddressRow
from cloudpay.wallets.restoring import NO_INVOICE
from cloudpay.wallets.service import DepositAddress

BUDGET = 100
"""Addresses looked at at one block, where a node answers each balance by a call of its own."""

BUDGET_AT_ONCE = 1_500
"""The same, where it answers many in one call."""

_FORGET_EVERY = timedelta(minutes=10)
_CLOCKS_DIFFER = timedelta(minutes=1)
"""By how much a block may be dated later than it was read, by a clock that is slow."""

log = get_logger(__name__)


def native_watch(network: Network, deposit: DepositAddress, expires_at: datetime) -> NewRow:
    """Answer the row that has the balance of a new deposit address looked at, till some days after its expiry."""
    return NativeWatchRow, {
        "deposit_address_id": deposit.id,
        "network": network.code,
        "address": deposit.address,
        "created_at": deposit.created_at,
        "expires_at": expires_at,
        "look_at": deposit.created_at,
        "owed_at": expires_at,
    }


def watch_restored(session: Session, gateway: Gateway) -> None:
    """Have the balances of all addresses looked at that came back without their invoices, as if these expired now.

    No invoice waits for such a look, so that none is owed: those of invoices come first.
    """
    now = literal(gateway.clock.now(session), Moment)
    row, deposit = NativeWatchRow, DepositAddressRow
    columns = ["deposit_address_id", "network", "address", "created_at", "expires_at", "look_at"]
    for network in gateway.chains:
        if network.native not in network.assets:
            continue
        known = select(row.deposit_address_id).where(row.network == network.code)
        missing = select(deposit.id, literal(network.code), deposit.address, now, now, now).where(
            deposit.key_family == network.key_family.name,
            deposit.invoice_id == NO_INVOICE,
            deposit.id.not_in(known),
        )
        session.execute(insert(row).from_select(columns, missing))


class BalanceLook:
    """Looks at the watched balances of one network once at each block that is the newest, while that may find money."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._book = LookBook(gateway, network)
        self._at: tuple[str, int] | None = None
        self._nothing_owed = False
        self._until: datetime | None = None
        self._round: Round | None = None
        self._forgot_at: datetime | None = None

    def moves(self) -> None:
        """Have whatever is the head next looked at: a block that left the chain lost what was found there."""
        self._at = None

    def at(self, newest: Header, final: BlockRef, lease: Lease, began: datetime) -> datetime | None:
        """Record what came in unseen, in a poll that began at `began`, when all was read up to the `newest` block.

        Answer a moment so that every address whose invoice expired before it has been looked at since; None when what
        was read has left the chain meanwhile.
        """
        traced = Capability.TRACES in self._adapter.capabilities
        at = newest.hash, lease.token  # whoever held the lease meanwhile may have moved away from it and back
        if self._at != at:
            since = self._owed_since() if traced else None
            self._nothing_owed = traced and since is None
            try:
                self._until = None if self._nothing_owed else self._look(newest, final, lease, began, since)
            except Unlinked:
                return None  # the next poll follows the reorganisation
            self._at = at
        if self._nothing_owed:
            self._round = None
            self._forget(began)
        return began if self._until is None else min(began, self._until)

    def _owed_since(self) -> datetime | None:
        """Answer since when a round is owed, although nodes trace: what they did not trace may have paid somebody."""
        with self._gateway.db.read() as session:
            return owed_since(session, self._network.code)

    def _look(
        self, newest: Header, final: BlockRef, lease: Lease, began: datetime, since: datetime | None
    ) -> datetime | None:
        """Look at the block whose balances are believed; answer up to which moment no look is owed.

        None when nothing more is owed as long as `newest` is the newest block.
        """
        at = believed(self._gateway, self._network, self._adapter, newest, final)
        if at == newest:
            self._round = self._going(since)
            return self._look_at(at, newest, lease, began)
        seen = min(began, datetime.fromtimestamp(at.time, UTC))
        # A round must find what came in the last block that was read without traces, and that be final by then.
        self._round = None if since is None or seen < since + _CLOCKS_DIFFER else self._going(since)
        until = self._look_at(at, newest, lease, seen)
        return seen if until is None else min(seen, until)

    def _going(self, since: datetime | None) -> Round | None:
        """Answer the round to go on with, if one is owed."""
        if self._round is not None and self._round.since == since:
            return self._round
        return None if since is None else Round(since)

    def _forget(self, began: datetime) -> None:
        """Now and then, forget what no look will end, or nodes that stop tracing would leave years of looks owed."""
        if self._forgot_at is not None and began - self._forgot_at < _FORGET_EVERY:
            return
        self._forgot_at = began
        row = NativeWatchRow
        ended = began - KEPT
        old = select(row.deposit_address_id).where(
            row.network == self._network.code,
            row.failing_since.is_(None),
            or_(row.owed_at < ended, row.owed_at.is_(None) & (row.expires_at < ended)),
        )

        def batch(session: Session) -> int:
            found = old.order_by(row.owed_at).limit(BATCH)
            mine = row.network == self._network.code
            return changed_rows(session, delete(row).where(mine, row.deposit_address_id.in_(found)))

        prune(self._gateway.db, batch)

    def _look_at(self, at: Header, newest: Header, lease: Lease, seen: datetime) -> datetime | None:
        """Look at as many balances as the budget allows, at a block that shows what came up to the moment `seen`.

        Answer up to which moment no look is owed; None when all had room.
        """
        many = Capability.MANY_BALANCES in self._adapter.capabilities
        budget = BUDGET_AT_ONCE if many else BUDGET
        with self._gateway.db.read() as session:
            chosen = choose(session, self._network.code, seen, budget, self._round)
        turns = chosen.turns
        if not turns and not many and chosen.round is None:
            return None
        # Without any address it is asked too, for the block alone: so every poll costs the same.
        now = self._balances([turn.address for turn in turns], at)
        with self._gateway.db.read() as session:
            new = surpluses(session, self._network.code, now)
        found = [*self._in_time([turn for turn in turns if turn.address in new], at, seen), now]
        passing(Failpoint.BALANCES_ASKED)
        over = chosen.round is not None and chosen.round.over
        # As long as there is room for all, or each has its look in this round, only what must be known later is
        # written down.
        all_at_hand = chosen.all_had_room or chosen.round is not None
        looked = [
            turn
            for turn in turns
            if not all_at_hand
            or turn.address in new
            or turn.failing_since is not None
            or is_owed(turn, seen)
            or is_over(turn, seen)
        ]
        if looked or over:
            self._book.write(lease, Look(newest.ref, at, seen, looked, new, found, chosen.round))
        self._round = None if over else chosen.round
        return None if chosen.all_had_room else chosen.left_out or seen

    def _balances(self, addresses: Sequence[str], at: Header) -> Balances:
        asked = [Holding(address, None) for address in addresses]
        return Balances(at, {each.address: n for each, n in self._adapter.balances(asked, at.ref).items()})

    def _in_time(self, turns: Sequence[Turn], at: Header, seen: datetime) -> list[Balances]:
        """Answer what some had at the last block before their expiry, where that passed since they were looked at.

        A node that has no balances of that block any more says nothing: such a payment counts as seen now.
        """
        found: list[Balances] = []
        with self._gateway.db.read() as session:
            last = {
                turn: blocks.newest_until(session, self._network.code, turn.expires_at)
                for turn in turns
                if is_owed(turn, seen) and is_past(turn, at.time)
            }
        known = {each for each in last.values() if each is not None}
        for block in sorted(known, key=lambda each: each.height, reverse=True):
            addresses = [turn.address for turn, before in last.items() if before == block]
            try:
                found.append(self._balances(addresses, block))
            except NodeUnavailable as error:  # what is older is not kept either
                log.warning(
                    "balances_too_old", network=self._network.code, height=block.height, reason=error.message
                )
                break
        return found[::-1]
