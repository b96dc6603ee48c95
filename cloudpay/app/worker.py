"""A worker process: every loop a thread that holds itself to SQL, and beside them, for each queue, what wakes them.

Several queues may share a process, which saves memory; none of them waits for another, since each has its own threads.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.app.nudged import Listener
from cloudpay.app.signals import stop_signals
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.queues import Runnable, wake_event

_FIRST_DELAY = 1.0
_LONGEST_DELAY = 30.0
_HEALTHY_AFTER = 60.0
_STOP_SECONDS = 7.0

_log = get_logger(__name__)

Loop = Callable[[Gateway], Runnable]


class Worker:
    """The loops of this process: those of some queues, which nudges wake, and others that keep their own time."""

    def __init__(
        self, gateway: Gateway, queues: Mapping[str, Sequence[Loop]], unwoken: Sequence[Loop] = ()
    ) -> None:
        self.stop = threading.Event()
        self.failure: ConfigurationError | None = None
        self._gateway = gateway
        self._does = [*queues, *(["schedule"] if unwoken else [])]
        self._wakes: list[threading.Event] = []
        self._threads: list[threading.Thread] = []
        for queue, loops in queues.items():
            for number, loop in enumerate(loops):
                self._add(f"{queue}-{number}", loop, wake_event(queue))
            self._add(f"{queue}-nudges", partial(Listener, queue=queue), threading.Event())
        for number, loop in enumerate(unwoken):
            self._add(f"unwoken-{number}", loop, threading.Event())

    def run(self) -> int:
        """Work until SIGTERM or SIGINT; answer the exit code. Must be called in the main thread."""
        with stop_signals(self.request_stop):
            for thread in self._threads:
                thread.start()
            _log.info("worker_started", does=self._does, threads=len(self._threads))
            self.stop.wait()
            clean = self._end()
        _log.info("worker_stopped", does=self._does, clean=clean)
        if self.failure is not None:
            return CONFIGURATION_EXIT
        return 0 if clean else 1

    def request_stop(self) -> None:
        """Ask every loop to end after what it is doing now."""
        self.stop.set()
        for event in self._wakes:
            event.set()

    def _end(self) -> bool:
        """Wait a bounded time for the loops; what they leave undone stands in SQL."""
        self.request_stop()
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _add(self, name: str, loop: Loop, wake: threading.Event) -> None:
        self._wakes.append(wake)
        self._threads.append(
            threading.Thread(target=self._keep_running, args=(name, loop, wake), name=name, daemon=True)
        )

    def _keep_running(self, name: str, loop: Loop, wake: threading.Event) -> None:
        """Run one loop, and again with growing pauses when it dies: one bad block must not end the watching."""
        delay = _FIRST_DELAY
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                loop(self._gateway).run(self.stop, wake)
            except ConfigurationError as error:
                self._give_up(error)
                return
            except Exception:  # noqa: BLE001  # whatever ended it is logged, and it goes on
                _log.exception("loop_failed", loop=name, again_in=delay)
            else:
                if not self.stop.is_set():
                    _log.error("loop_ended_unasked", loop=name, again_in=delay)
            if time.monotonic() - began > _HEALTHY_AFTER:
                delay = _FIRST_DELAY
            self.stop.wait(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    def _give_up(self, error: ConfigurationError) -> None:
        """A wrong chain or wrong decimals: no start will be better than this one until a person has acted."""
        _log.error("configuration_wrong", code=error.code, message=error.message)
        self.failure = error
        self.request_stop()
