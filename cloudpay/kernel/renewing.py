"""A lease is kept while its holder is at work on what takes longer than the lease lasts."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.kernel.log import get_logger

log = get_logger(__name__)


class Renewer:
    """Renews a held lease from a thread of its own, while work is under way and gets on.

    `done` answers what differs whenever something was done. Where it has not changed for `patience` seconds the work
    hangs, and the lease is left to run out; a process that stands still as a whole renews nothing anyhow.
    """

    def __init__(
        self,
        keeper: LeaseKeeper,
        done: Callable[[], object],
        patience: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper, self._done, self._patience, self._monotonic = keeper, done, patience, monotonic
        self._working = False
        self._last: object = None
        self._moved_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"renew {keeper.name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Say that work is under way."""
        self._last, self._moved_at, self._working = self._done(), self._monotonic(), True
        try:
            yield
        finally:
            self._working = False

    def turn(self) -> None:
        """Renew the lease where it is time, unless nothing is done, or has been for too long."""
        if not self._working:
            return
        done = self._done()
        if done != self._last:
            self._last, self._moved_at = done, self._monotonic()
        if self._monotonic() - self._moved_at <= self._patience:
            self._keeper.renew()

    def _run(self) -> None:
        while not self._stop.wait(self._keeper.renew_seconds):
            try:
                self.turn()
            except (
                SQLAlchemyError
            ) as error:  # the database is away, locked or full: the lease may yet outlast that
                log.warning("lease_not_renewed", lease=self._keeper.name, reason=str(error))
