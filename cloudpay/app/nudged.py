"""Listening for nudges: an RQ worker that runs one job only, and that outlives any trouble of Redis."""

import threading
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.log import get_logger
from cloudpay.kernel.queues import WAKE, wake

_WORKER_TTL = 16  # RQ waits this long less 15 s for a job, so that a request to stop is seen within a second
_ANSWER_SECONDS = 2
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 5.0

_log = get_logger(__name__)


class NoPenalty(BaseDeathPenalty):
    """No alarm: the one job sets an event, and SIGALRM would belong to the whole process."""

    def setup_death_penalty(self) -> None:
        """Set nothing."""

    def cancel_death_penalty(self) -> None:
        """Cancel nothing."""


class NudgeWorker(SimpleWorker):
    """Runs the wake-up job of one queue in this process and refuses every other: Redis is not trusted to name code."""

    death_penalty_class = NoPenalty
    max_connection_wait_time = _LONGEST_DELAY

    def __init__(self, stop: threading.Event, queue: str, connection: "Redis") -> None:
        self._stop = stop
        super().__init__(
            [Queue(queue, connection=connection, serializer=JSONSerializer)],
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=_WORKER_TTL,
        )

    @property
    def connection_timeout(self) -> int:
        """Seconds after which a silent Redis counts as gone."""
        return int(self.dequeue_timeout) + _ANSWER_SECONDS

    def heartbeat(self, *args: Any, **options: Any) -> None:
        """Called by RQ around every wait for a job: the place to end in."""
        if self._stop.is_set():
            raise StopRequested
        super().heartbeat(*args, **options)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run the wake-up of this queue."""
        if job.func_name != WAKE or list(job.args) != [queue.name] or job.kwargs:
            _log.error("job_refused", queue=queue.name, job=job.id)
            job.delete()
            return
        wake(queue.name)  # now: what RQ writes down around a job takes longer than the job
        super().execute_job(job, queue)

    def subscribe(self) -> None:
        """Take no commands by Redis' publish and subscribe."""

    def _install_signal_handlers(self) -> None:
        """Leave the signals to the process."""


class Listener:
    """Listens in a thread of its own, beside the loops that it wakes."""

    def __init__(self, gateway: Gateway, queue: str) -> None:
        self._redis_url, self._queue = gateway.settings.redis_url, queue

    def run(self, stop: threading.Event, _wake: threading.Event) -> None:
        """Listen until `stop` is set."""
        listen(self._redis_url, self._queue, stop)


def listen(redis_url: str, queue: str, stop: threading.Event) -> None:
    """Wake this process's loops when `queue` is nudged, until `stop` is set; without Redis only wait for that."""
    if not redis_url:
        stop.wait()
    delay = _FIRST_DELAY
    while not stop.is_set():
        connection = Redis.from_url(redis_url, retry=None, socket_connect_timeout=_ANSWER_SECONDS)
        try:
            NudgeWorker(stop, queue, connection).work(logging_level="WARNING")
            delay = _FIRST_DELAY
        except StopRequested:
            return
        except (RedisError, OSError) as error:
            _log.warning("redis_away", queue=queue, error=str(error), again_in=delay)
        finally:
            connection.close()
        stop.wait(delay)
        delay = min(delay * 2, _LONGEST_DELAY)
