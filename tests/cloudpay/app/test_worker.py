import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Never, cast

import pytest
from rq import Queue
from rq.serializers import JSONSerializer

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.app.nudged import listen
from cloudpay.app.worker import Worker
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.queues import Nudges, wake_event
from cloudpay.kernel.settings import Settings


def gateway(redis_url: str = "") -> Gateway:
    """All that a worker itself asks of a gateway: its settings."""
    return cast("Gateway", SimpleNamespace(settings=Settings(redis_url=redis_url)))


def nudged(nudges: Nudges, seen: object) -> bool:
    """Nudge the queue, and say whether an earlier nudge was seen."""
    nudges("events")
    return bool(seen)


@dataclass
class Recorder:
    """A loop that counts how often it was woken, and whether it ended because it was asked to."""

    woken: list[int] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        self.began.set()
        while not stop.is_set():
            if wake.wait(0.05):
                wake.clear()
                if not stop.is_set():
                    self.woken.append(1)
        self.ended.set()


@pytest.fixture
def run_worker() -> Any:
    """Run a worker in the main thread, as its process does, while `meanwhile` goes on in another."""

    def run(redis_url: str, loops: Any, meanwhile: Callable[[], object]) -> int:
        worker = Worker(gateway(redis_url=redis_url), {"events": loops})
        failures: list[BaseException] = []

        def act() -> None:
            try:
                meanwhile()
            except BaseException as error:  # noqa: BLE001  # raised again below
                failures.append(error)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=act)
        thread.start()
        code = worker.run()
        thread.join()
        if failures:
            raise failures[0]
        return code

    return run


@pytest.mark.timeout(60)
def test_a_nudge_wakes_the_loops_and_sigterm_ends_them(run_worker: Any, valkey: Any, eventually: Any) -> None:
    loop = Recorder()

    def meanwhile() -> None:
        nudges = Nudges(valkey.url)
        eventually(lambda: nudged(nudges, loop.woken))

    assert run_worker(valkey.url, [lambda _gateway: loop], meanwhile) == 0
    assert loop.ended.is_set()


@pytest.mark.timeout(60)
def test_nudges_come_through_again_after_valkey_was_killed_and_flushed(
    run_worker: Any, valkey: Any, eventually: Any
) -> None:
    """F111."""
    loop = Recorder()

    def meanwhile() -> None:
        eventually(lambda: nudged(Nudges(valkey.url), loop.woken))
        valkey.kill()
        valkey.start()
        valkey.client().flushall()
        loop.woken.clear()
        eventually(lambda: nudged(Nudges(valkey.url), loop.woken), seconds=20)

    assert run_worker(valkey.url, [lambda _gateway: loop], meanwhile) == 0


@pytest.mark.timeout(60)
def test_loops_work_while_redis_is_down(run_worker: Any, eventually: Any) -> None:
    """F111."""
    loop = Recorder()
    rounds: list[int] = []

    class Counting(Recorder):
        def run(self, stop: threading.Event, wake: threading.Event) -> None:
            while not stop.wait(0.02):
                rounds.append(1)
            loop.ended.set()

    assert (
        run_worker(
            "redis://127.0.0.1:1/0",
            [lambda _gateway: Counting()],
            lambda: eventually(lambda: len(rounds) > 10),
        )
        == 0
    )
    assert loop.ended.is_set()


@pytest.mark.timeout(60)
def test_a_loop_that_dies_is_started_again_and_its_neighbour_does_not_notice(
    run_worker: Any, eventually: Any
) -> None:
    starts: list[int] = []
    neighbour = Recorder()

    class Dying:
        def run(self, stop: threading.Event, wake: threading.Event) -> None:
            starts.append(1)
            if len(starts) == 1:
                raise RuntimeError("a bad block")
            stop.wait()

    assert (
        run_worker(
            "",
            [lambda _gateway: Dying(), lambda _gateway: neighbour],
            lambda: eventually(lambda: len(starts) == 2),
        )
        == 0
    )
    assert neighbour.ended.is_set()


@pytest.mark.timeout(60)
def test_a_wrong_configuration_ends_the_process_with_the_code_that_says_so() -> None:
    neighbour = Recorder()

    class Wrong:
        def run(self, stop: threading.Event, wake: threading.Event) -> Never:
            neighbour.began.wait(10)
            raise ConfigurationError("The node is on another chain.")

    worker = Worker(gateway(), {"events": [lambda _gateway: Wrong(), lambda _gateway: neighbour]})
    assert worker.run() == CONFIGURATION_EXIT
    assert worker.failure is not None
    assert worker.failure.message == "The node is on another chain."
    assert neighbour.ended.is_set()


@pytest.mark.timeout(60)
def test_a_loop_that_hangs_holds_up_neither_another_queue_nor_the_schedule_nor_the_end(
    monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    monkeypatch.setattr("cloudpay.app.worker._STOP_SECONDS", 0.5)
    webhooks, schedule, let_go = Recorder(), Recorder(), threading.Event()

    class Hanging:
        def run(self, stop: threading.Event, wake: threading.Event) -> None:
            let_go.wait()

    queues: dict[str, Any] = {"events": [lambda _gateway: Hanging()], "webhooks": [lambda _gateway: webhooks]}
    worker = Worker(gateway(), queues, [lambda _gateway: schedule])

    def meanwhile() -> None:
        eventually(lambda: webhooks.began.is_set() and schedule.began.is_set())
        worker.request_stop()

    thread = threading.Thread(target=meanwhile)
    thread.start()
    assert worker.run() == 1  # it says that something was left undone
    thread.join()
    assert webhooks.ended.is_set()
    assert schedule.ended.is_set()
    let_go.set()


@pytest.mark.timeout(60)
def test_each_queue_of_a_shared_process_is_woken_by_its_own_nudges(valkey: Any, eventually: Any) -> None:
    events, webhooks = Recorder(), Recorder()
    queues = {"events": [lambda _gateway: events], "webhooks": [lambda _gateway: webhooks]}
    worker = Worker(gateway(redis_url=valkey.url), queues)

    def meanwhile() -> None:
        eventually(lambda: nudged(Nudges(valkey.url), events.woken))
        worker.request_stop()

    thread = threading.Thread(target=meanwhile)
    thread.start()
    assert worker.run() == 0
    thread.join()
    assert events.woken
    assert not webhooks.woken


@pytest.mark.timeout(60)
def test_a_job_that_names_other_code_is_refused(valkey: Any, eventually: Any, tmp_path: Path) -> None:
    """Whoever can write to Redis must not be able to run code here."""
    planted = tmp_path / "planted"
    queue = Queue("events", connection=valkey.client(), serializer=JSONSerializer)
    queue.enqueue("os.mkdir", str(planted))
    stop, woken = threading.Event(), wake_event("events")
    thread = threading.Thread(target=listen, args=(valkey.url, "events", stop), daemon=True)
    thread.start()
    eventually(lambda: nudged(Nudges(valkey.url), woken.is_set()))
    stop.set()
    thread.join(10)
    assert "os.mkdir" not in {job.func_name for job in queue.jobs}  # a last nudge may still wait
    assert not planted.exists()
    assert not thread.is_alive()


@pytest.mark.timeout(60)
def test_a_nudge_is_not_piled_on_one_that_waits(valkey: Any) -> None:
    nudges = Nudges(valkey.url)
    for _ in range(5):
        nudges("webhooks")
    assert Queue("webhooks", connection=valkey.client()).count == 1
