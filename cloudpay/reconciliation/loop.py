"""Every network is compared now and then, in one process of the gateway at a time."""

import threading
import time
from datetime import datetime, timedelta

from sqlalchemy.exc import InterfaceError, OperationalError

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.holders import new_holder
from cloudpay.kernel.leases import Lease, LeaseKeeper, LeaseLost
from cloudpay.kernel.log import get_logger
from cloudpay.reconciliation.errors import NotComparable
from cloudpay.reconciliation.keeping import LastComparison, keep, keep_failure, last_comparisons
from cloudpay.reconciliation.service import Patience, reconcile

LEASE = "reconcile"
LEASE_TTL = timedelta(seconds=30)

_TICK_SECONDS = 5.0
_PAUSE_SECONDS = 10.0
_AGAIN = timedelta(minutes=10)
"""After a drift: it may be explained by then. After a failure it is less, since nobody knows."""
_AFTER_FAILURE = timedelta(minutes=1)

log = get_logger(__name__)


class _Stopped(Exception):
    """The process is ending: what was begun is begun anew by the next one."""


class ReconcileLoop:
    """Compares one network after the other, when its time has come."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._every = timedelta(minutes=gateway.settings.reconcile.every_minutes)
        self._keeper = LeaseKeeper(gateway.db, gateway.clock, LEASE, new_holder("reconciler_"), LEASE_TTL)
        self._chunk_began = 0.0

    def run(self, stop: threading.Event, _wake: threading.Event) -> None:
        """Compare until `stop`; nothing wakes it, it keeps its own time."""
        try:
            while not stop.is_set():
                try:
                    if self._every and self._keeper.hold() is not None:
                        self.turn(stop)
                except (OperationalError, InterfaceError) as error:  # the database is away, locked or full
                    log.warning("reconciling_failed", reason=str(error))
                stop.wait(_TICK_SECONDS)
        finally:
            self._keeper.release()

    def turn(self, stop: threading.Event) -> None:
        """Compare every network whose time has come."""
        with self._gateway.db.read() as session:
            now = self._gateway.clock.now(session)
        last = last_comparisons(self._gateway)
        for network in self._gateway.chains:
            if not stop.is_set() and self._is_due(last.get(network.code), now):
                self._compare(network.code, stop)

    def _is_due(self, last: LastComparison | None, now: datetime) -> bool:
        if last is None:
            return True
        wait = self._every
        if last.reason or last.drifts:
            wait = min(wait, _AFTER_FAILURE if last.reason else _AGAIN)
        return now - last.tried_at >= wait

    def _compare(self, code: str, stop: threading.Event) -> None:
        try:
            self._hold_against_chain(code, stop)
        except LeaseLost as error:
            self._keeper.lost()
            log.info("reconciling_lost", network=code, reason=error.message)
        except _Stopped:
            log.info("reconciling_stopped", network=code)

    def _hold_against_chain(self, code: str, stop: threading.Event) -> None:
        self._chunk_began = time.monotonic()
        patience = Patience(
            lambda: self._wait(stop, _PAUSE_SECONDS), lambda _part, _whole: self._breathe(stop)
        )
        try:
            found = reconcile(self._gateway, code, patience)
        except NotComparable as error:
            log.warning("not_comparable", network=code, reason=error.reason)
            keep_failure(self._gateway, error, self._held())
        else:
            keep(self._gateway, found, self._held())
            log.info("reconciled", network=code, height=found.height, drifts=len(found.drifts))

    def _breathe(self, stop: threading.Event) -> None:
        """Rest as long as the last chunk took: half of a node's time is for whoever watches and sends."""
        self._wait(stop, time.monotonic() - self._chunk_began)
        self._chunk_began = time.monotonic()

    def _wait(self, stop: threading.Event, seconds: float) -> None:
        if stop.wait(seconds):
            raise _Stopped
        self._held()

    def _held(self) -> Lease:
        lease = self._keeper.hold()
        if lease is None:
            raise LeaseLost(LEASE)
        return lease
