"""The loop of the queue `events`: hands the outbox on, at once when nudged, and now and then without."""

import threading
from collections.abc import Mapping, Sequence

from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.abandoned import release_abandoned
from cloudpay.outbox.service import Handler, drain

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
            if drain(self._gateway, self._handlers, limit=_BATCH) == 0:
                wake.wait(_LONGEST_WAIT)
