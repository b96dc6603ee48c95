"""The leased loop of one network: at most one process watches it, and another takes over when that one dies."""

import random
import threading
from datetime import timedelta

from sqlalchemy.exc import InterfaceError, OperationalError

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.failpoints import Failpoint, passing
from cloudpay.kernel.holders import new_holder
from cloudpay.kernel.leases import LeaseKeeper, LeaseLost
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.renewing import Renewer
from cloudpay.payments.health import note_silence, verify
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.states import NetworkStatus
from cloudpay.payments.watcher import Watcher

log = get_logger(__name__)

LEASE_TTL = timedelta(seconds=15)
_LONGEST_PAUSE = 30.0
_STAND_BY = 1.0
_DATABASE_PAUSE = 2.0
_HUNG = 120.0
"""Seconds without an answer of a node and without a page after which a poll hangs: no request may take longer."""


class WatchLoop:
    """Watches one network until it is stopped, whenever the lease can be had."""

    def __init__(self, gateway: Gateway, network: Network) -> None:
        self.name = f"watch:{network.code}"
        self._gateway, self._network = gateway, network
        self._keeper = LeaseKeeper(gateway.db, gateway.clock, self.name, new_holder("watcher_"), LEASE_TTL)
        self._verified = False
        self._failures = 0

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Poll until `stop`; `wake` cuts a wait short."""
        adapter = self._gateway.chains.adapter(self._network.code)
        watcher = Watcher(self._gateway, self._network, adapter, self._keeper, stop)
        try:
            with Renewer(self._keeper, watcher.done, _HUNG) as renewer:
                while not stop.is_set():
                    try:
                        with renewer.working():
                            wait = _STAND_BY if self._keeper.hold() is None else self._poll(watcher)
                    except (
                        OperationalError,
                        InterfaceError,
                    ) as error:  # the database is away, locked or full
                        wait = min(_DATABASE_PAUSE, self._back_off(error))
                    wake.wait(wait)
                    wake.clear()
        finally:
            self._keeper.release()

    def _poll(self, watcher: Watcher) -> float:
        """Poll once; answer how many seconds to wait until the next one."""
        try:
            if not self._verified or self._is_unverified():
                verify(self._gateway, self._network, watcher.adapter)
                self._verified = True
            watcher.poll()
        except NodeUnavailable as error:
            note_silence(self._gateway, self._network, error, watcher.adapter.health())
            return self._back_off(error)
        except ConfigurationError as error:
            if not self._verified:  # wrong from the start: the process stops and says so
                raise
            note_silence(self._gateway, self._network, error, watcher.adapter.health())
            return self._back_off(error)
        except LeaseLost as error:
            self._keeper.lost()
            passing(Failpoint.LEASE_LOST)
            log.warning("lease_lost", network=self._network.code, reason=error.message)
            return _STAND_BY
        self._failures = 0
        return watcher.pace.wait()

    def _is_unverified(self) -> bool:
        with self._gateway.db.read() as session:
            row = session.get(NetworkRow, self._network.code)
            return row is None or row.status == NetworkStatus.UNVERIFIED

    def _back_off(self, error: Exception) -> float:
        self._failures += 1
        pause = min(_LONGEST_PAUSE, self._network.settings.poll_seconds * (1 << min(self._failures, 10)))
        log.warning("poll_failed", network=self._network.code, failures=self._failures, reason=str(error))
        return pause * random.uniform(0.5, 1)  # noqa: S311  # jitter, no secret
