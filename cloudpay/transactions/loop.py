"""The leased loop of one network: at most one process sends on it, and another takes over when that one dies."""

import random
import threading
from datetime import timedelta

from sqlalchemy.exc import InterfaceError, OperationalError

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.errors import ConfigurationError, Unavailable
from cloudpay.kernel.holders import new_holder
from cloudpay.kernel.leases import LeaseKeeper, LeaseLost
from cloudpay.kernel.log import get_logger
from cloudpay.transactions.backups import read_back
from cloudpay.transactions.journal import Journal
from cloudpay.transactions.quotes import quotes_due
from cloudpay.transactions.sender import Sender
from cloudpay.transactions.station import Gate, Station
from cloudpay.transactions.work import work_waits
from cloudpay.wallets.day import DayTotals
from cloudpay.wallets.sealing import key_source

LEASE_TTL = timedelta(seconds=15)
_STAND_BY = 1.0
_LONGEST_PAUSE = 30.0
_LONGEST_IDLE = 5.0

_log = get_logger(__name__)


class SendLoop:
    """Sends on one network until it is stopped, whenever the lease can be had."""

    def __init__(self, gateway: Gateway, network: Network, gate: Gate) -> None:
        self.name = f"send:{network.code}"
        self._gateway, self._network, self._gate = gateway, network, gate
        self._keeper = LeaseKeeper(gateway.db, gateway.clock, self.name, new_holder("sender_"), LEASE_TTL)
        self._journal = Journal(gateway.settings.journal_path)
        self._sender: Sender | None = None
        self._day: DayTotals | None = None
        self._failures = 0

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Send until `stop`; `wake` cuts a wait short."""
        try:
            while not stop.is_set():
                wake.clear()
                wake.wait(self._turn()) if not stop.is_set() else None
        finally:
            self._keeper.release()

    def _turn(self) -> float:
        """Do what there is to do; answer how many seconds to wait until the next look."""
        if not key_source(self._gateway.settings).reachable():
            return self._leave_to_others()
        try:
            if self._keeper.hold() is None:
                self._day = None  # whoever had the lease has signed meanwhile
                return _STAND_BY
            day, whole = self._day or DayTotals(), True
            if self._day is None:
                whole = read_back(self._gateway, self._network.code, self._journal, day)
                self._day = day if whole else None
            wait = self._work(day)
            wait = wait if whole else max(wait, _LONGEST_IDLE)
        except LeaseLost as error:
            self._keeper.lost()
            self._day = None
            _log.warning("lease_lost", network=self._network.code, reason=error.message)
            return _STAND_BY
        except (Unavailable, ConfigurationError, OperationalError, InterfaceError) as error:
            return self._back_off(error)
        self._failures = 0
        return wait

    def _leave_to_others(self) -> float:
        """Hold nothing where the seed cannot be opened: it may lie with another user, or on another machine."""
        self._keeper.release()
        self._day = None
        _log.debug("no_seal_key", network=self._network.code)
        return _LONGEST_IDLE

    def _work(self, day: DayTotals) -> float:
        with self._gateway.db.read() as session:
            now = self._gateway.clock.now(session)
            work = work_waits(session, self._network.code, now)
            quotes = quotes_due(session, self._network.code, now)
        idle = min(_LONGEST_IDLE, max(1.0, self._network.settings.block_seconds))
        if not work and not quotes:
            return idle
        sender = self._open(day)
        if sender.work():
            return 0.0
        return sender.pause if work else idle

    def _open(self, day: DayTotals) -> Sender:
        """Answer what sends; the first time, its nodes are held against the configuration (fault F42)."""
        if self._sender is None:
            adapter = self._gateway.chains.spending(self._network.code)
            adapter.verify()
            station = Station(
                self._gateway, self._network, adapter, self._keeper, self._gate, self._journal, day
            )
            self._sender = Sender(station)
        self._sender.station.day = day
        return self._sender

    def _back_off(self, error: Exception) -> float:
        self._failures += 1
        pause = min(_LONGEST_PAUSE, float(1 << min(self._failures, 10)))
        _log.warning(
            "sending_failed",
            network=self._network.code,
            failures=self._failures,
            reason=getattr(error, "message", str(error)),
        )
        return pause * random.uniform(0.5, 1)  # noqa: S311  # jitter, no secret
