"""What a look at balances has found is written down; what fails for one address holds up that address alone.

Its invoice stays open meanwhile: what could not be written down may have paid it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, clear_alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.errors import Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import BlockRef, Header
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.leases import Lease, LeaseLost, fence
from cloudpay.kernel.log import get_logger
from cloudpay.payments.inferred import Balances, record_surplus
from cloudpay.payments.models import NativeWatchRow
from cloudpay.payments.networks import network_row
from cloudpay.payments.rounds import Round
from cloudpay.payments.turns import Turn, is_over, is_owed, is_past, next_look

_OF_ALL = (LeaseLost, Unlinked, OperationalError, InterfaceError)
"""What fails for every address alike: the look is done again."""

log = get_logger(__name__)


@dataclass(frozen=True)
class Look:
    """What a look at one block has found, for whom it is to be written down, and how far the round has come.

    `cursor` is the block up to which all was read then, `seen` the moment up to which this look knows what came. At the
    addresses `new` lies more than is known.
    """

    cursor: BlockRef
    at: Header
    seen: datetime
    looked: Sequence[Turn]
    new: Collection[str]
    found: Sequence[Balances]
    round: Round | None

    def of(self, turns: Sequence[Turn]) -> "Look":
        """Answer what concerns some addresses alone, and no round."""
        addresses = {turn.address for turn in turns}
        found = [
            Balances(each.at, {address: n for address, n in each.amounts.items() if address in addresses})
            for each in self.found
        ]
        return replace(self, looked=turns, found=found, round=None)


class LookBook:
    """Writes looks at the balances of one network down."""

    def __init__(self, gateway: Gateway, network: Network) -> None:
        self._gateway, self._network = gateway, network

    def write(self, lease: Lease, look: Look) -> None:
        """Write all of a look down, in one commit where nothing fails."""
        failing = [turn for turn in look.looked if turn.failing_since is not None]
        self._one_by_one(lease, look, failing)
        others = [turn for turn in look.looked if turn.failing_since is None]
        try:
            self._commit(lease, replace(look.of(others), round=look.round))
        except _OF_ALL:
            raise
        except Exception:
            paid = [turn for turn in others if turn.address in look.new]
            if not paid:
                raise
            log.warning("looks_failed_together", network=self._network.code, count=len(paid), exc_info=True)
            self._one_by_one(lease, look, paid)
            rest = [turn for turn in others if turn.address not in look.new]
            self._commit(lease, replace(look.of(rest), round=look.round))

    def _one_by_one(self, lease: Lease, look: Look, turns: Sequence[Turn]) -> None:
        for turn in turns:
            try:
                self._commit(lease, look.of([turn]))
            except _OF_ALL:
                raise
            except Exception as error:
                log.exception("look_failed", network=self._network.code, address=turn.address)
                self._note_failing(lease, look, turn, error)

    def _commit(self, lease: Lease, look: Look) -> None:
        if look.looked or (look.round is not None and look.round.over):
            self._gateway.db.run(lambda session: self._record(session, lease, look))

    def _record(self, session: Session, lease: Lease, look: Look) -> None:
        fence(session, lease)
        row = network_row(session, self._network.code)  # locked: a rescan may be finding the same money
        if row.cursor_hash != look.cursor.hash:  # a reorganisation since makes these balances another chain's
            raise Unlinked(look.cursor)
        record_surplus(session, self._gateway, self._network, look.found)
        if look.round is not None and look.round.over and row.untraced_at == look.round.since:
            # Nodes that trace need no further round, unless it is the only look that what failed will have.
            row.untraced_at = row.untraced_at if _any_failing(session, row.code) else None
        over = [turn.deposit_id for turn in look.looked if is_over(turn, look.seen)]
        again = [
            {
                "deposit_address_id": turn.deposit_id,
                "network": row.code,
                "look_at": next_look(turn, look.seen),
                # A block that was made before the expiry may still come behind one that was, too.
                "owed_at": None if is_owed(turn, look.seen) and is_past(turn, look.at.time) else turn.owed_at,
                "failing_since": None,
            }
            for turn in look.looked
            if not is_over(turn, look.seen)
        ]
        if again:
            session.execute(update(NativeWatchRow), again)
        if over:
            mine = (NativeWatchRow.network == row.code, NativeWatchRow.deposit_address_id.in_(over))
            session.execute(delete(NativeWatchRow).where(*mine))
        for turn in look.looked:
            if turn.failing_since is not None:
                subject = f"{row.code}/{turn.address}"
                clear_alert(session, self._gateway, AlertKind.BALANCE_LOOK_FAILING, subject)
        passing(Failpoint.BALANCES_RECORDED)

    def _note_failing(self, lease: Lease, look: Look, turn: Turn, error: Exception) -> None:
        code = self._network.code
        alert = Alert(
            AlertKind.BALANCE_LOOK_FAILING,
            f"{code}/{turn.address}",
            f"What lies at {turn.address} on {code} could not be written down: {type(error).__name__}.",
        )
        again = {
            "deposit_address_id": turn.deposit_id,
            "network": code,
            "look_at": next_look(turn, look.seen),
            "failing_since": turn.failing_since or look.seen,
        }

        def work(session: Session) -> None:
            fence(session, lease)
            session.execute(update(NativeWatchRow), [again])
            open_alert(session, self._gateway, alert)

        self._gateway.db.run(work)


def _any_failing(session: Session, network: str) -> bool:
    row = NativeWatchRow
    failing = select(row.deposit_address_id).where(row.network == network, row.failing_since.is_not(None))
    return session.scalar(failing.limit(1)) is not None


def have_failed(session: Session, deposit_address_ids: Collection[str]) -> bool:
    """Say whether what lay at one of these deposit addresses at its last look is not written down."""
    row = NativeWatchRow
    failing = select(row.deposit_address_id).where(
        row.deposit_address_id.in_(deposit_address_ids), row.failing_since.is_not(None)
    )
    return session.scalar(failing.limit(1)) is not None
