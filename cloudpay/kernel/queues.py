"""Queues only nudge: a job says "look at the database now"; what there is to do stands in SQL alone."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from cloudpay.kernel.log import get_logger

QUEUES = ("watch", "events", "webhooks", "send", "mail")
WAKE = "cloudpay.kernel.queues.wake"
"""The only job that there is, by the path under which a worker imports it."""

_TIMEOUT_SECONDS = 0.2  # a request must never wait for a Redis that hangs
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_JOB_SECONDS = 10

_log = get_logger(__name__)
_wakes: dict[str, list[threading.Event]] = {}


class Runnable(Protocol):
    """A loop of a worker: it works until `stop` is set, looks again when `wake` is set, and now and then without."""

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Work until `stop` is set."""
        ...


class Nudges:
    """Wakes the workers of a queue; never raises, and costs a caller next to nothing while Redis is down.

    `here` wakes the loops of this process, which need not wait for Redis; `wake` does, where there are such.
    """

    def __init__(
        self,
        redis_url: str,
        *,
        here: Callable[[str], None] = lambda _queue: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._here = here
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._silent_until = 0.0
        self._pause = _FIRST_PAUSE
        self._queues = _queues(redis_url) if redis_url else {}

    def __call__(self, queue: str) -> None:
        """Wake the loops of this process at once, and by one job, unless one waits already, those of others."""
        self._here(queue)
        target = self._queues.get(queue)
        if target is None or self._monotonic() < self._silent_until:
            return
        try:
            if target.count == 0:
                target.enqueue(
                    WAKE,
                    queue,
                    job_timeout=_JOB_SECONDS,
                    result_ttl=0,
                    failure_ttl=_JOB_SECONDS,
                    ttl=int(_LONGEST_PAUSE),
                )
        except (RedisError, OSError) as error:
            self._fall_silent(error)
        else:
            self._pause = _FIRST_PAUSE

    def _fall_silent(self, error: Exception) -> None:
        """Leave Redis alone for a while; of several threads that failed together one speaks."""
        with self._lock:
            now = self._monotonic()
            if now < self._silent_until:
                return
            self._silent_until = now + self._pause
            pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        _log.warning("nudge_failed", error=str(error), quiet_seconds=pause)


def wake(queue: str) -> None:
    """The job: have this process's loops of `queue` look at the database now."""
    for event in _wakes.get(queue, ()):
        event.set()


def wake_event(queue: str) -> threading.Event:
    """Answer a new event that is set whenever `queue` is nudged in this process."""
    event = threading.Event()
    _wakes.setdefault(queue, []).append(event)
    return event


def _queues(redis_url: str) -> dict[str, "Queue"]:
    # A nudge is not idempotent for the client library: without `retry=None` it would wait through ten retries.
    connection = Redis.from_url(
        redis_url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, retry=None
    )
    return {name: Queue(name, connection=connection, serializer=JSONSerializer) for name in QUEUES}
