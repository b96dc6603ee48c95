"""The end of a run: nodes are honest, time passes, everybody works; then everything must have come to rest, rightly."""

from datetime import timedelta

from cloudpay.chains.types import Capability
from cloudpay.ledger.audit import check
from cloudpay.payments.networks import LOST_THREAD, resume
from cloudpay.payments.rescan import rescan
from cloudpay.webhooks.claims import next_due_in
from cloudpay.webhooks.redelivery import redeliver
from tests.simulation.lying import make_honest
from tests.simulation.mirror import FINAL, Row, amount, moment, on_time
from tests.simulation.stage import Stage

_ROUNDS = 40
_LONGEST_WAIT = 0.3
"""What may pass between two looks at a balance, and more, as a share of the time since its invoice's expiry."""
_SECOND_READING_EVERY = 121
"""Seconds from one piece of the second reading to the next."""


def come_to_rest(stage: Stage) -> None:
    """Let everything that is under way come to its end, then hold the end against what truly happened."""
    world = stage.world
    world.armed = False
    world.note("the end: honest nodes, and time")
    for each in stage.processes:
        each.start()
    for code in world.chains:
        make_honest(stage, code)
    _settle(stage)
    for code, truth in world.rules.truths.items():
        if Capability.SECOND_READING in world.node(code).capabilities:
            _read_a_second_time(stage, code)
        if world.node(code).hidden or truth.restarts:
            _read_again(stage, code)
    _pass_every_expiry(stage)
    _deliver_all(stage)
    hold_the_end(stage)


def _settle(stage: Stage) -> None:
    """Mine until all is final, and follow, until nothing more happens."""
    world = stage.world
    turns = _turns(stage)
    for number in range(_ROUNDS // 3 + turns):
        busy = number < turns
        for code, chain in world.chains.items():
            world.pass_time(20)
            if chain.mempool:
                busy = True
            chain.mine(max(chain.settings.large_confirmations, chain.settings.confirmations) + 1)
            world.learn(code)
            busy |= _follow(stage, code)
        busy |= _drain(stage)
        world.rules.look()
        if not busy:
            return
    world.rules.break_rule("the gateway comes to rest", "it went on and on")


def _turns(stage: Stage) -> int:
    """Answer how many blocks it takes until every balance had its turn, and what it showed is final; 0 for none."""
    profile, options = stage.world.profile, stage.world.rules.mirror.options.values()
    watched = [
        sum(1 for each in options if (each["network"], each["asset"]) == (code, ""))
        for code in stage.world.chains
        if Capability.TRACES not in stage.world.node(code).capabilities
    ]
    most = max(watched, default=0)
    return -(-most // profile.budget) + 1 if most else 0


def _read_a_second_time(stage: Stage, code: str) -> None:
    """Go on until all that is final now was read a second time: nothing is hidden by one node alone then."""
    world, chain = stage.world, stage.chain(code)
    goal = chain.height
    world.note(f"  {code} is read a second time up to block {goal}")
    place = -1
    while place < goal:
        before = place
        chain.mine(chain.settings.second_reading_blocks + chain.settings.confirmations)
        world.learn(code)
        world.pass_time(_SECOND_READING_EVERY)
        for _ in range(2):  # the second poll is a quiet one
            _follow(stage, code)
        place = world.rules.mirror.networks[code]["reread_height"] or 0
        world.rules.hold("what is final is read a second time", place > before, code, place, "of", goal)
    world.rules.arriving.hold_found(code)


def _follow(stage: Stage, code: str) -> bool:
    """Have the watcher read up to the head; answer whether a person had to help."""
    world = stage.world
    row = world.rules.mirror.networks.get(code)
    helped = row is not None and row["status"] == "paused"
    if row is not None and helped:
        anew = row["reason"] == LOST_THREAD
        resume(stage.bystander, code, anew=anew)
        world.note(f"  {code} is resumed{' anew' if anew else ''}")
    watcher = stage.watchers[code][0]
    watcher.poll()
    world.rules.look()
    tip = stage.chain(code).head().latest.hash
    return helped or world.rules.truths[code].cursor != tip


def _read_again(stage: Stage, code: str) -> None:
    """Read everything again, as an operator does who knows that a node has hidden something."""
    stage.world.note(f"  {code} is read again")
    rescan(stage.bystander, code, 1, stage.chain(code).height, lambda *_: None)
    stage.world.rules.look()
    stage.world.rules.arriving.read_again(code)
    stage.world.rules.look()


def _drain(stage: Stage) -> bool:
    busy = False
    stage.world.pass_time(61)
    while stage.drainers[0].drain(100):
        busy = True
    stage.scheduler.expire()
    while stage.drainers[0].drain(100):
        busy = True
    return busy


def _pass_every_expiry(stage: Stage) -> None:
    world = stage.world
    due = [moment(each["expires_at"]) for each in world.rules.mirror.invoices.values()]
    if due:
        world.clock.set(max(world.now, max(due) + timedelta(seconds=1)))
        # By then every address is due that was looked at just before late money came there.
        world.clock.set(world.now + _LONGEST_WAIT * (world.now - min(due)))
    _settle(stage)


def _deliver_all(stage: Stage) -> None:
    world = stage.world
    if world.profile.stubborn:
        _deliver(stage)
    stage.receivers.moods.clear()
    for row in list(world.rules.mirror.deliveries.values()):
        if row["status"] == "failed":
            redeliver(stage.bystander, row["merchant_id"], row["id"], actor="cli:simulation")
    _deliver(stage)


def _deliver(stage: Stage) -> None:
    world, deliverer = stage.world, stage.deliverers[0]
    idle = 0
    while idle < _ROUNDS and _sending(stage):
        deliverer.claim(8)
        if not deliverer.under_way:
            idle += 1
            soonest = next_due_in(stage.bystander) or timedelta(seconds=30)
            world.pass_time(soonest.total_seconds() + 0.001)
        while deliverer.under_way:
            deliverer.finish()
            idle = 0
    world.rules.look()


def _sending(stage: Stage) -> bool:
    stage.world.rules.look()
    found = stage.world.rules.mirror.deliveries.values()
    return any(each["status"] in ("sending", "pending") for each in found)


def hold_the_end(stage: Stage) -> None:
    """Hold the end against the truth: nothing lost, nothing left over."""
    rules = stage.world.rules
    rules.hold("nothing waits in the outbox", not rules.telling.waiting, rules.telling.waiting)
    uneven = check(stage.bystander)
    rules.hold("the ledger is sound", not uneven, uneven)
    for code, truth in rules.truths.items():
        tip = stage.chain(code).head().latest.hash
        rules.hold("the gateway has read everything", truth.cursor == tip, code, truth.cursor, tip)
        status = rules.mirror.networks[code]["status"]
        rules.hold("the network is open again", status == "active", code, status)
    rules.arriving.hold_everything()
    for row in rules.mirror.invoices.values():
        _hold_invoice(stage, row)
    _hold_deliveries(stage)


def _hold_invoice(stage: Stage, row: Row) -> None:
    rules = stage.world.rules
    standing = rules.mirror.standing(row["id"])
    asked = int(rules.mirror.options[row["id"]]["amount"])
    rules.hold("all that stands is final", all(each["status"] == FINAL for each in standing), standing)
    timely, total = amount([each for each in standing if on_time(each, row)]), amount(standing)
    ended = row["status"]
    if ended == "cancelled":
        expected: tuple[str, str | None] = (ended, "late" if standing else None)
    elif ended == "reversed" and row["id"] in rules.asking.reversed:
        expected = ("reversed", "overpaid" if total > asked else None)
    elif timely >= asked or ended == "paid":
        rules.hold("paid stays paid while the money is there", total >= asked, row, standing)
        expected = ("paid", "overpaid" if total > asked else None)
    else:
        expected = ("expired", "late" if total > timely else "underpaid" if timely else None)
    rules.hold(
        "every invoice ends as it ought", (ended, row["exception"]) == expected, row, expected, standing
    )


def _hold_deliveries(stage: Stage) -> None:
    rules = stage.world.rules
    by_event = {each["event_id"]: each for each in rules.mirror.deliveries.values()}
    for event_id, event in rules.mirror.events.items():
        if event["url"] is None:
            continue
        delivery = by_event.get(event_id)
        there = delivery is not None and delivery["status"] in ("succeeded", "gone")
        rules.hold("every webhook is delivered", there, event, delivery)
