"""Looking at balances, where the nodes do not show the native money that contracts send."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, literal, or_, select
from sqlalchemy.orm import Session

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Capability, Header, Holding
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
    """Looks at the watched balances of one network once at each block that is the head, while that may find money."""

    def __init__(self, gateway: Gateway, network: Network, adapter: ChainAdapter) -> None:
        self._gateway, self._network, self._adapter = gateway, network, adapter
        self._book = LookBook(gateway, network)
        self._at: tuple[str, int] | None = None
        self._until: datetime | None = None
        self._round: Round | None = None
        self._forgot_at: datetime | None = None

    def moves(self) -> None:
        """Have whatever is the head next looked at: a block that left the chain lost what was found there."""
        self._at = None

    def at(self, head: Header, lease: Lease, began: datetime) -> datetime | None:
        """Record what came in unseen up to a block that was read, in a poll that began at `began`.

        Answer a moment so that every address whose invoice expired before it has been looked at since; None when that
        block has left the chain meanwhile.
        """
        traced = Capability.TRACES in self._adapter.capabilities
        at = head.hash, lease.token  # whoever held the lease meanwhile may have moved away from it and back
        if self._at != at:
            self._round = self._round_owed() if traced else None
            try:
                nothing_owed = traced and self._round is None
                self._until = None if nothing_owed else self._look(head, lease, began)
            except Unlinked:
                return None  # the next poll follows the reorganisation
            self._at = at
        if traced and self._round is None:
            self._forget(began)
        return began if self._until is None else min(began, self._until)

    def _round_owed(self) -> Round | None:
        """Answer the round to go on with, although nodes trace: what they did not trace may have paid somebody."""
        with self._gateway.db.read() as session:
            since = owed_since(session, self._network.code)
        if since is None or (self._round is not None and self._round.since == since):
            return None if since is None else self._round
        return Round(since)

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

    def _look(self, head: Header, lease: Lease, began: datetime) -> datetime | None:
        """Look at as many balances as the budget allows; answer up to which moment no look is owed.

        None when all had room: then nothing more is owed as long as this block is the head.
        """
        many = Capability.MANY_BALANCES in self._adapter.capabilities
        budget = BUDGET_AT_ONCE if many else BUDGET
        with self._gateway.db.read() as session:
            chosen = choose(session, self._network.code, began, budget, self._round)
        turns = chosen.turns
        if not turns and not many and chosen.round is None:
            return None
        # Without any address it is asked too, for the block alone: so every poll costs the same.
        now = self._balances([turn.address for turn in turns], head)
        with self._gateway.db.read() as session:
            new = surpluses(session, self._network.code, now)
        found = [*self._in_time([turn for turn in turns if turn.address in new], head, began), now]
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
            or is_owed(turn, began)
            or is_over(turn, began)
        ]
        if looked or over:
            self._book.write(lease, Look(head, began, looked, new, found, chosen.round))
        self._round = None if over else chosen.round
        return None if chosen.all_had_room else chosen.left_out or began

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
                if is_owed(turn, began) and is_past(turn, head.time)
            }
        known = {each for each in last.values() if each is not None}
        for block in sorted(known, key=lambda each: each.height, reverse=True):
            addresses = [turn.address for turn, at in last.items() if at == block]
            try:
                found.append(self._balances(addresses, block))
            except NodeUnavailable as error:  # what is older is not kept either
                log.warning(
                    "balances_too_old", network=self._network.code, height=block.height, reason=error.message
                )
                break
        return found[::-1]
