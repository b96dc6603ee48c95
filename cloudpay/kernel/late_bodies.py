"""Bodies that do not come: nothing can interrupt a server's read, so one thread looks after all that are under way."""

import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from cloudpay.kernel.hangup import hang_up
from cloudpay.kernel.log import get_logger

LONGEST_SECONDS = 10.0  # programs send theirs at once; a proxy in front has it whole before it calls
_SOON_SECONDS = 0.3  # what is not there by then is waited for by a few threads at most
_LOOK_SECONDS = 0.1

_log = get_logger(__name__)


@dataclass(eq=False)
class Reading:
    """A body that is being read, for a server that waits for `places` late ones at the same time."""

    environ: Mapping[str, Any]
    places: int
    began: float = field(default_factory=time.monotonic)
    given_up_at: float | None = None
    """When its client was hung up on: the read comes back by that, and what it brought is no body."""

    def waited(self) -> float:
        """Answer for how many seconds it has been read."""
        return time.monotonic() - self.began

    def end(self) -> None:
        """Hang up on a client that fell silent; where that does not help, on one that sends a byte now and then."""
        now, silent_seconds = time.monotonic(), self.waited() * 0.9
        if self.given_up_at is not None:
            if now - self.given_up_at < _SOON_SECONDS:
                return
            silent_seconds = 0.0
        self.given_up_at = now
        before_proxies: Mapping[str, Any] = self.environ.get("werkzeug.proxy_fix.orig", self.environ)
        address, port = before_proxies.get("REMOTE_ADDR", ""), int(self.environ.get("SERVER_PORT", 0))
        hang_up(address, port, silent_seconds)


class _Watch:
    """The readings of this process, and the thread that ends those that take too long; a fork begins anew."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin with nothing that is read, and no thread."""
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._readings: set[Reading] = set()
        self._thread: threading.Thread | None = None

    def add(self, reading: Reading) -> None:
        """Look after this one, too."""
        self._readings.add(reading)
        if self._some.is_set():
            return
        self._some.set()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="late bodies", daemon=True)
                self._thread.start()

    def remove(self, reading: Reading) -> None:
        """It has come back."""
        self._readings.discard(reading)

    def _run(self) -> None:
        while self._some.wait():
            time.sleep(_LOOK_SECONDS)
            self._some.clear()  # before it looks: whoever begins to read after that sets it again
            readings = self._readings.copy()  # at once, which iterating is not
            if readings:
                self._some.set()
            try:
                end_late(readings)
            except OSError:  # as when no descriptor is left; it looks again, or nobody would
                _log.exception("late_bodies_not_ended")


_watch = _Watch()
os.register_at_fork(after_in_child=_watch.reset)  # threads stay with the parent


@contextmanager
def watched(environ: Mapping[str, Any], places: int) -> Iterator[Reading]:
    """Have what is read in this block given up when it takes too long; one that comes at once costs next to nothing."""
    reading = Reading(environ, places)
    _watch.add(reading)
    try:
        yield reading
    finally:
        _watch.remove(reading)


def end_late(readings: Collection[Reading]) -> None:
    """End those that are too late, and those that find no place to wait: they that came last."""
    late = sorted((each for each in readings if each.waited() > _SOON_SECONDS), key=attrgetter("began"))
    for number, reading in enumerate(late):
        if number >= reading.places or reading.waited() > LONGEST_SECONDS:
            reading.end()
