"""One pass on one network: hand over what was signed, look what became of it, replace, plan, sign, hand over."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, keep_alerts
from cloudpay.alerts.states import AlertKind
from cloudpay.kernel.errors import Unavailable
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.secrets import KeyFileError, WrongKey
from cloudpay.transactions.bumping import bump
from cloudpay.transactions.errors import Overtaken
from cloudpay.transactions.handing import hand_again, hand_over
from cloudpay.transactions.journal import JournalFailed
from cloudpay.transactions.planning import plan
from cloudpay.transactions.quotes import ask_quotes, quotes_due
from cloudpay.transactions.station import SendingFrozen, Station
from cloudpay.transactions.tracking import Tracked, track
from cloudpay.transactions.work import any_queued, work_waits
from cloudpay.wallets.guard import BytesDiffer
from cloudpay.wallets.limits import InvalidLimits, LimitsMissing
from cloudpay.wallets.sealing import SealKeyUnavailable
from cloudpay.wallets.switch import Frozen, freeze_sending

_SHORTEST, _LONGEST = 0.5, 15.0
"""Bounds of the seconds between two looks at the chain; a block time lies between them as a rule."""
_PUT_OFF = 5.0
"""Seconds that a look comes later while there is more to sign at once: what went out is followed a little later."""
_log = get_logger(__name__)


@dataclass
class Sender:
    """Sends for one network under its lease; keeps nothing that an answer depends on."""

    station: Station
    monotonic: Callable[[], float] = time.monotonic
    _look_at: float = 0.0
    _busy: bool = False
    _alerting: set[AlertKind] = field(
        default_factory=lambda: {AlertKind.JOURNAL_FAILING, AlertKind.SENDING_HELD}
    )  # what an earlier process may have left open

    def work(self, *, look: bool = False) -> bool:
        """Do a pass; with `look` the chain is looked at even when it is not time. True: more can be done at once.

        Raises `NodeUnavailable`, `JournalFailed`, `LeaseLost`, and what opening the keys raises.
        """
        station = self.station
        station.renew()
        frozen = self._frozen()
        unwritten = None if frozen is not None else self._hand_over()
        tracked = self._track(look=look)
        if unwritten is not None:
            raise unwritten  # nothing goes out that is not in the journal; what went out before is followed
        self._busy = False
        if frozen is None:
            with suppress(SendingFrozen):
                hand_again(station, tracked.unknown)
                self._busy = self._sign(tracked)
        self._quote()
        return self._busy

    @property
    def pause(self) -> float:
        """The seconds between two looks at the chain."""
        return min(_LONGEST, max(_SHORTEST, self.station.network.settings.block_seconds))

    def _frozen(self) -> Frozen | None:
        with self.station.gateway.db.read() as session:
            found = self.station.frozen(session)
        if found is not None:
            self.station.mirror_freeze(found)
        return found

    def _track(self, *, look: bool) -> Tracked:
        began = self.monotonic()
        if not look and began < self._look_at + (_PUT_OFF if self._busy else 0):
            return Tracked()
        tracked = track(self.station)
        took = self.monotonic() - began
        self._look_at = (
            began + took + max(self.pause, took)
        )  # no more than half of the time goes into looking
        return tracked

    def _sign(self, tracked: Tracked) -> bool:
        """Replace and plan, unless the network may not be trusted now."""
        station = self.station
        with station.gateway.db.read() as session:
            try:
                station.require_open(session)
            except Unavailable as error:
                _log.info("nothing_signed", network=station.network.code, reason=error.message)
                return False
        if not tracked.waiting and not self._has_queued():
            self._tell_held({})
            return False
        station.journal.require_room()
        try:
            guard = station.guard()
        except (LimitsMissing, InvalidLimits, SealKeyUnavailable, KeyFileError, WrongKey) as error:
            self._tell_held({"": error.message})
            return False
        try:
            bumped = bump(station, guard, tracked.waiting)
            planned = plan(station, guard)
        except (BytesDiffer, Overtaken) as error:
            self._freeze(error)
            return False
        except JournalFailed as error:
            self._alert(AlertKind.JOURNAL_FAILING, error.message)
            raise
        if bumped or planned.kept:
            unwritten = self._hand_over()
            if unwritten is not None:
                raise unwritten
        self._tell_held(planned.held)
        return planned.moved > 0

    def _has_queued(self) -> bool:
        with self.station.gateway.db.read() as session:
            return work_waits(
                session, self.station.network.code, self.station.gateway.clock.now(session)
            ).queued

    def _hand_over(self) -> JournalFailed | None:
        """Broadcast what is signed; answer why the journal cannot be written, where it cannot."""
        try:
            with suppress(SendingFrozen):
                if hand_over(self.station):
                    self._alert(AlertKind.JOURNAL_FAILING, "")
        except JournalFailed as error:
            self._alert(AlertKind.JOURNAL_FAILING, error.message)
            return error
        return None

    def _quote(self) -> None:
        station = self.station
        with station.gateway.db.read() as session:
            due = quotes_due(session, station.network.code, station.gateway.clock.now(session))
        if due:
            ask_quotes(station)

    def _tell_held(self, held: Mapping[str, str]) -> None:
        """Have an alert open while the signer does not sign what is queued."""
        code = self.station.network.code
        if held:
            self._alert(AlertKind.SENDING_HELD, f"Payouts on {code} wait. {next(iter(held.values()))}")
        elif AlertKind.SENDING_HELD in self._alerting:
            with self.station.gateway.db.read() as session:
                queued = any_queued(session, code)
            if not queued:
                self._alert(AlertKind.SENDING_HELD, "")

    def _freeze(self, error: BytesDiffer | Overtaken) -> None:
        station = self.station
        station.gateway.db.run(
            lambda session: freeze_sending(session, station.gateway, station.network.code, error.message)
        )
        _log.error(error.code, network=station.network.code, reason=error.message)

    def _alert(self, kind: AlertKind, sentence: str) -> None:
        """Open or clear an alert of this network; asks the database only where something may have changed."""
        if not sentence and kind not in self._alerting:
            return
        code = self.station.network.code
        wanted = [Alert(kind, code, sentence)] if sentence else []

        def write(session: Session) -> None:
            keep_alerts(session, self.station.gateway, code, (kind,), wanted)

        self.station.gateway.db.run(write)
        self._alerting = self._alerting | {kind} if sentence else self._alerting - {kind}
