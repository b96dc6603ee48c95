"""One seed, from its world to its verdict; the same seed is the same run, on every machine and every day."""

import logging
import random
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import structlog
from ulid import ULID

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel import failpoints
from cloudpay.kernel.db import Database
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.secrets import KEY_BYTES, AppKey, SealKey
from cloudpay.kernel.sections import Log, Rates
from cloudpay.kernel.settings import Settings
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import create_merchant
from cloudpay.testing import FixedClock
from cloudpay.wallets.service import master_address
from cloudpay.wallets.setup import init_wallet
from tests.simulation import lying, miners, payers  # noqa: F401  # they put their events into the list
from tests.simulation.events import EVENTS, Event
from tests.simulation.holding import Broken
from tests.simulation.networks import open_networks
from tests.simulation.profile import draw
from tests.simulation.quiet import come_to_rest
from tests.simulation.stage import Stage
from tests.simulation.store import Store
from tests.simulation.world import Grounds, Killed, Shop, World

EVENTS_PER_SEED = 100
_WORDS = "test test test test test test test test test test test junk"
_PRICES: dict[str, str | int | float] = {"ETH": "2500", "USDT": "1.00", "WBTC": "60000", "FAKE": "2"}
_MEMORY = Path("/dev/shm")  # Linux's shared memory, where it is


@dataclass
class Verdict:
    """How a run ended."""

    seed: int
    events: int
    rule: str = ""
    """The rule that was broken; empty when none was."""
    found: str = ""
    step: int = 0
    trace: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    invoices: int = 0
    payments: int = 0
    webhooks: int = 0


class Simulation:
    """Runs seeds, one after the other, on one database."""

    def __init__(self, grounds: Grounds, time_of: "_RunTime") -> None:
        self.grounds, self._time = grounds, time_of

    def run(self, seed: int, events: int | None = None, skip: Sequence[int] = ()) -> Verdict:
        """Run one seed, without the steps in `skip`; answer what came of it."""
        profile = draw(seed, [each.name for each in EVENTS if each.optional])
        self.grounds.store.reset()
        world = World(self.grounds, seed, profile)
        self._time.world = world
        stage = Stage(self.grounds, world)
        count = events or (EVENTS_PER_SEED * (3 if profile.invoices else 1))
        verdict = Verdict(
            seed, count, counts=world.counts, checked=world.rules.hold.checked, trace=world.trace
        )
        kinds = [each for each in EVENTS if each.name not in profile.off]
        world.interruption = lambda: _do_something(stage, kinds)
        try:
            with _budget(profile.budget):
                _begin(stage)
                for verdict.step in range(1, count + 1):
                    self._step(stage, kinds, verdict.step, do=verdict.step not in skip)
                _seed_step(stage, count + 1)
                come_to_rest(stage)
        except Broken as broken:
            verdict.rule, verdict.found = broken.rule, broken.found
        except Exception as error:  # noqa: BLE001  # whatever it is, it should not have been
            verdict.rule = "only what was made to fail fails"
            verdict.found = _described(error)
        mirror = world.rules.mirror
        verdict.invoices, verdict.payments = len(mirror.invoices), len(mirror.payments)
        verdict.webhooks = len(mirror.deliveries)
        return verdict

    def _step(self, stage: Stage, kinds: list[Event], number: int, *, do: bool) -> None:
        world = stage.world
        _seed_step(stage, number)
        if do:
            world.note(f"{number}. ({world.now:%H:%M:%S})")
            world.armed = True
            try:
                _do_something(stage, kinds)
            finally:
                world.armed = False
            world.rules.look()


@contextmanager
def _budget(balances: int) -> Iterator[None]:
    """Have so many balances looked at in one block, so that a few invoices are more than there is room for."""
    where = "cloudpay.payments.balances"
    with mock.patch(f"{where}.BUDGET", balances), mock.patch(f"{where}.BUDGET_AT_ONCE", 5 * balances):
        yield


def _described(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception(error)[-14:])


def _seed_step(stage: Stage, number: int) -> None:
    """Chance begins anew with each step, so that leaving a step out changes no other's."""
    stage.world.rng = Random(f"{stage.world.seed}:{number}")
    random.seed(f"{stage.world.seed}:{number}")


def _do_something(stage: Stage, kinds: list[Event]) -> None:
    [event] = stage.world.rng.choices(kinds, [each.weight for each in kinds])
    stage.world.counts[event.name] += 1
    stage.world.note(f"  {event.name}")
    try:
        event.act(stage)
    except Killed:  # outside of any process: the world itself goes on
        stage.world.note("  (nobody died of it)")


def _begin(stage: Stage) -> None:
    """Have the networks verified and looked at once; a big run has its many invoices from the start."""
    _seed_step(stage, 0)
    for code, (watcher, _other) in stage.watchers.items():
        watcher.poll()
        stage.world.learn(code)
    stage.world.rules.look()
    for number in range(stage.world.profile.invoices):
        stage.ask(list(stage.world.chains)[number % len(stage.world.chains)])
        if number % 100 == 0:
            for code in stage.world.chains:  # blocks go on, or the network counts as stalled
                stage.chain(code).mine()
                stage.watchers[code][0].poll()
    stage.world.rules.look()


@contextmanager
def simulation(server: str | None = None) -> Iterator[Simulation]:
    """Open everything that runs share, and hold time and chance still; `server` is a PostgreSQL server's address."""
    with ExitStack() as stack:
        parent = _MEMORY if _MEMORY.is_dir() and server is None else None
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cloudpay-simulation-", dir=parent))
        run_time = _RunTime()
        for target, stand_in in run_time.stand_ins().items():
            stack.enter_context(mock.patch(target, stand_in))
        for place in Failpoint:
            failpoints.arm(place, partial(run_time.passed, place), again=True)
        stack.callback(failpoints.disarm)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        stack.callback(structlog.reset_defaults)
        chains, nodes = open_networks()
        settings = Settings(rates=Rates(fixed=_PRICES), log=Log(level="error"))
        shops: list[Shop] = []

        def prepare(url: str) -> None:
            database = Database(url)
            gateway = Gateway(settings, database, FixedClock(), chains, AppKey(bytes(KEY_BYTES)))
            init_wallet(
                gateway, SealKey(bytes(KEY_BYTES)), mnemonic=_WORDS, accounts=4, actor="cli:simulation"
            )
            for live in (False, False, True):
                made = create_merchant(
                    gateway, "Shop", livemode=live, payout_currencies={}, actor="cli:simulation"
                )
                key = Principal(f"key_{len(shops)}", made.id, live, frozenset(["invoices:write"]))
                master = master_address(gateway, chains.network("evm"), made.account_index)
                shops.append(Shop(key, live, master))
            database.close()

        store = Store(Path(folder), server, prepare)
        stack.callback(store.close)
        stack.enter_context(mock.patch("cloudpay.kernel.db.open_engine", store.engine))
        yield Simulation(Grounds(store, settings, chains, nodes, tuple(shops)), run_time)


class _RunTime:
    """Time and identifiers for those parts of the gateway that take them from the machine."""

    def __init__(self) -> None:
        self.world: World | None = None
        self._made = 0

    def stand_ins(self) -> dict[str, Any]:
        """Answer what stands in for what."""
        return {
            "cloudpay.kernel.ids.next_ulid": self.identifier,
            "cloudpay.kernel.leases.time": self,
            "cloudpay.kernel.db.time": self,
        }

    def identifier(self) -> str:
        """Answer an identifier as `next_ulid` does, by the run's time and chance."""
        if self.world is None:
            self._made += 1
            return str(ULID.from_bytes(struct.pack(">QQ", 0, self._made)))
        return self.world.identifier()

    def passed(self, place: Failpoint) -> None:
        """Pass a place where processes are killed."""
        if self.world is not None:
            self.world.boundary(f"point.{place}")

    def monotonic(self) -> float:
        """Answer the run's time."""
        return time.monotonic() if self.world is None else self.world.now.timestamp()

    def sleep(self, seconds: float) -> None:
        """Let the run's time pass."""
        if self.world is not None:
            self.world.pass_time(seconds)
