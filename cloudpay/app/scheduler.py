"""The scheduler: runs what is due now and then, in one process of the gateway at a time."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import DBAPIError

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel import leases
from cloudpay.kernel.holders import new_holder
from cloudpay.kernel.leases import Lease
from cloudpay.kernel.log import get_logger

Work = Callable[[Gateway], object]
Schedule = Mapping[str, tuple[float, Work]]
"""By name: every how many seconds, and what; work is idempotent, since two schedulers may overlap for a moment."""

LEASE = "scheduler"
SWEPT_QUEUES = ("events", "webhooks", "watch", "send")

_LEASE_TTL = timedelta(seconds=30)
_RENEW_SECONDS = 10.0
_TICK_SECONDS = 0.5
_SWEEP_SECONDS = 10.0

_log = get_logger(__name__)


@dataclass
class _Entry:
    """One line of the schedule and when it is due next, in seconds of the monotonic clock."""

    name: str
    every: float
    work: Work
    due: float


class Scheduler:
    """Runs a schedule while it holds the lease."""

    def __init__(self, gateway: Gateway, schedule: Schedule) -> None:
        self._gateway = gateway
        self._holder = new_holder("scheduler_")
        now = time.monotonic()
        self._entries = [_Entry(name, every, work, now) for name, (every, work) in schedule.items()]
        self._entries.append(_Entry("sweep", _SWEEP_SECONDS, nudge_queues, now))
        self._lease: Lease | None = None
        self._renew_at = 0.0

    def run(self, stop: threading.Event, _wake: threading.Event) -> None:
        """Run what is due until `stop` is set; nothing wakes it, it keeps its own time."""
        while not stop.is_set():
            for entry in self._entries:
                if stop.is_set() or not self._holds_lease():
                    break
                if time.monotonic() >= entry.due:
                    self._run(entry)
            stop.wait(_TICK_SECONDS)
        if self._lease is not None:
            leases.release(self._gateway.db, self._lease)

    def _holds_lease(self) -> bool:
        now = time.monotonic()
        if now >= self._renew_at:
            had = self._lease is not None
            try:
                self._lease = leases.acquire(
                    self._gateway.db, self._gateway.clock, LEASE, self._holder, _LEASE_TTL
                )
            except DBAPIError:
                _log.exception("database_away", process="scheduler")
                self._lease = None
            if had != (self._lease is not None):
                _log.info("scheduler_lease", held=self._lease is not None, holder=self._holder)
            self._renew_at = now + (_RENEW_SECONDS if self._lease is not None else _TICK_SECONDS * 4)
        return self._lease is not None

    def _run(self, entry: _Entry) -> None:
        try:
            entry.work(self._gateway)
        except Exception:  # noqa: BLE001  # one job's trouble must not hold up the others; it is logged and comes again
            _log.exception("scheduled_work_failed", work=entry.name)
        entry.due = time.monotonic() + entry.every


def nudge_queues(gateway: Gateway) -> None:
    """Wake every queue's workers: finds what a lost nudge left lying."""
    for queue in SWEPT_QUEUES:
        gateway.db.nudge(queue)
