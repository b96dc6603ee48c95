"""What happens in a run: each kind of event by name, with its weight. Chance chooses; the seed decides chance."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cloudpay import wiring
from cloudpay.invoices import reversals
from cloudpay.kernel.errors import Conflict, InvalidRequest
from cloudpay.kernel.states import IllegalTransition
from cloudpay.outbox.service import OutboxEvent
from cloudpay.payments.networks import LOST_THREAD, pause, resume
from cloudpay.payments.rescan import rescan
from cloudpay.webhooks.redelivery import redeliver
from tests.simulation.mirror import moment
from tests.simulation.stage import URLS, Stage

Act = Callable[[Stage], object]


@dataclass(frozen=True)
class Event:
    """One kind of event."""

    name: str
    weight: int
    act: Act
    optional: bool
    """Whether there are runs without it."""


EVENTS: list[Event] = []


def happens(name: str, weight: int, *, optional: bool = True) -> Callable[[Act], Act]:
    """Put a kind of event into the list."""

    def put(act: Act) -> Act:
        EVENTS.append(Event(name, weight, act, optional))
        return act

    return put


def some_network(stage: Stage) -> str:
    """Answer a network of the run."""
    return stage.world.rng.choice(list(stage.world.chains))


# Shops


@happens("a shop asks", 12, optional=False)
def _ask(stage: Stage) -> None:
    for _ in range(stage.world.rng.choice([1, 1, 2])):
        stage.ask(some_network(stage))


@happens("a shop asks again", 2)
def _ask_again(stage: Stage) -> None:
    stage.ask(some_network(stage), again=True)


@happens("a shop cancels", 2)
def _cancel(stage: Stage) -> None:
    option = stage.some_invoice()
    if option is not None:
        stage.cancel(option["invoice_id"])


@happens("a shop rotates its secret", 1)
def _rotate(stage: Stage) -> None:
    stage.rotate()


@happens("an endpoint changes its mood", 3)
def _mood(stage: Stage) -> None:
    url = stage.world.rng.choice([each for each in URLS if each])
    moods = ["fine", "fine", "down", "flaky", "slow", "gone"]
    stage.receivers.moods[url] = stage.world.rng.choice(moods)


@happens("a shop has it sent again", 1)
def _redeliver(stage: Stage) -> None:
    rows = list(stage.world.rules.mirror.deliveries.values())
    if rows:
        row = stage.world.rng.choice(rows)
        stage.web.run(
            lambda: redeliver(stage.web.gateway, row["merchant_id"], row["id"], actor="key:simulation"),
            IllegalTransition,
            InvalidRequest,
        )


# The gateway's processes


@happens("a watcher looks", 16, optional=False)
def _look(stage: Stage) -> None:
    rng = stage.world.rng
    for code in stage.watchers if rng.random() < 0.4 else [some_network(stage)]:
        watchers = stage.watchers[code]
        watcher = watchers[0] if rng.random() < 0.8 else watchers[1]
        for _ in range(rng.choice([1, 1, 2])):
            watcher.poll()


@happens("a drainer drains", 10, optional=False)
def _drain(stage: Stage) -> None:
    rng = stage.world.rng
    rng.choice(stage.drainers).drain(rng.choice([1, 3, 100, 100, 100]))


@happens("an event is handed on twice", 2)
def _again(stage: Stage) -> None:
    """Hand any event on, an old one or one that is not due: late, early, out of turn."""
    found = stage.grounds.store.query("SELECT id, name, subject, payload FROM outbox ORDER BY id")
    names = [each for each in found if each[1] in wiring.EVENT_HANDLERS]
    if names:
        number, name, subject, payload = stage.world.rng.choice(names)
        event = OutboxEvent(number, name, subject, json.loads(payload))
        drainer = stage.world.rng.choice(stage.drainers)
        for handler in wiring.EVENT_HANDLERS[name]:
            drainer.run(lambda handler=handler: handler(drainer.gateway, event))  # type: ignore[misc]


@happens("deliveries are claimed", 5, optional=False)
def _claim(stage: Stage) -> None:
    rng = stage.world.rng
    deliverer = rng.choice(stage.deliverers)
    deliverer.claim(rng.choice([1, 4, 8]))
    if rng.random() < 0.5:
        deliverer.finish()


@happens("a delivery is made", 7, optional=False)
def _deliver(stage: Stage) -> None:
    rng = stage.world.rng
    deliverer = rng.choice(stage.deliverers)
    for _ in range(rng.choice([1, 2, 4])):
        deliverer.finish()


@happens("the schedule ticks", 5, optional=False)
def _tick(stage: Stage) -> None:
    stage.scheduler.tick()


@happens("a process is killed", 2)
def _kill(stage: Stage) -> None:
    stage.world.rng.choice(stage.processes).start()


@happens("the power fails", 1)
def _power(stage: Stage) -> None:
    for each in stage.processes:
        each.start()


# Time


@happens("time passes", 8, optional=False)
def _wait(stage: Stage) -> None:
    stage.world.pass_time(stage.world.rng.choice([0.2, 1, 5, 16, 61]))


@happens("an expiry comes", 3)
def _to_an_expiry(stage: Stage) -> None:
    now = stage.world.now
    due = [moment(each["expires_at"]) for each in stage.world.rules.mirror.invoices.values()]
    coming = [each for each in due if each > now]
    if coming:
        around = timedelta(seconds=stage.world.rng.choice([-1, 0, 1, 5]))
        stage.world.clock.set(max(now, min(coming) + around))


@happens("all are offline", 1)
def _offline(stage: Stage) -> None:
    """Hours, or a day, in which the chain goes on and the gateway does not."""
    rng = stage.world.rng
    for _ in range(rng.choice([2, 5, 12])):
        stage.world.pass_time(rng.choice([60, 1_200, 7_000]))
        for code in stage.world.chains:
            stage.chain(code).mine(1)
            stage.world.learn(code)


# Operators


@happens("an operator resumes", 3, optional=False)
def _resume(stage: Stage) -> None:
    for code, row in list(stage.world.rules.mirror.networks.items()):
        if row["status"] == "paused":
            anew = row["reason"] == LOST_THREAD and stage.world.rng.random() < 0.7
            stage.world.note(f"  {code} is resumed{' anew' if anew else ''}")
            stage.web.run(
                lambda code=code, anew=anew: resume(stage.web.gateway, code, anew=anew),  # type: ignore[misc]
                Conflict,
            )


@happens("an operator pauses", 1)
def _pause(stage: Stage) -> None:
    code = some_network(stage)
    stage.web.run(lambda: pause(stage.web.gateway, code, "Maintenance."), Conflict, IllegalTransition)


@happens("an operator has it read again", 2)
def _rescan(stage: Stage) -> None:
    code, rng = some_network(stage), stage.world.rng
    first = max(1, stage.chain(code).height - rng.choice([2, 5, 20]))
    stage.web.run(
        lambda: rescan(stage.web.gateway, code, first, first + rng.choice([1, 5, 50]), lambda *_: None),
        InvalidRequest,
    )


@happens("an operator decides on what was reversed", 2)
def _decide(stage: Stage) -> None:
    rules, rng = stage.world.rules, stage.world.rng
    found = [each for each in rules.asking.reversed if rules.mirror.invoices[each]["status"] == "reversed"]
    if found:
        invoice_id, decision = rng.choice(sorted(found)), rng.choice([reversals.settle, reversals.write_off])
        rules.asking.decided[invoice_id] += 1
        stage.web.run(
            lambda: decision(stage.web.gateway, invoice_id, reason="It is so.", actor="cli:simulation"),
            Conflict,
        )
