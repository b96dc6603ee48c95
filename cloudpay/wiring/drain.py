"""The loop of the queue `events`: hands the outbox on, at once when nudged, and now and then without."""

import threading
from collections.abc import Mapping, Sequence

from sqlalchemy.exc import InterfaceError, OperationalError

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.log import get_logger
from cloudpay.outbox.abandoned import release_abandoned
from cloudpay.outbox.service import Handler, drain

log = get_logger(__name__)

_LONGEST_WAIT = 1.0
_BATCH = 100


class DrainLoop:
    """Drains the outbox until it is stopped."""

    def __init__(self, gateway: Gateway, handlers: Mapping[str, Sequence[Handler]]) -> None:
        self._gateway, self._handlers = gateway, handlers

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Drain until `stop`; a full batch is followed by the next one at once."""
        release_abandoned(self._gateway)
        while not stop.is_set():
            wake.clear()
            if self._drain() == 0:
                wake.wait(_LONGEST_WAIT)

    def _drain(self) -> int:
        """Answer how many events were claimed; none while the database is away, locked or full: this outlives that."""
        try:
            return drain(self._gateway, self._handlers, limit=_BATCH)
        except (OperationalError, InterfaceError):
            log.exception("drain_failed", again_in=_LONGEST_WAIT)
            return 0
