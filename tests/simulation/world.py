"""The world of one run: time, chance, chains, processes, and the places where anything may happen."""

import sqlite3
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.exc import DBAPIError, OperationalError
from ulid import ULID

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.registry import Chains
from cloudpay.chains.types import Head
from cloudpay.kernel import db
from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.settings import Settings
from cloudpay.merchants.principal import Principal
from cloudpay.testing import FakeChain, FixedClock
from tests.simulation.networks import KINDS
from tests.simulation.nodes import Node
from tests.simulation.profile import Profile
from tests.simulation.rules import Rules
from tests.simulation.store import Store

DEEPEST = 2


class Killed(BaseException):
    """A process died here: nothing may catch it."""


@dataclass(frozen=True)
class Shop:
    """A merchant and the key that it asks with."""

    principal: Principal
    live: bool
    master: str
    """The address that its money is collected in."""


@dataclass(frozen=True)
class Grounds:
    """What all runs share."""

    store: Store
    settings: Settings
    chains: Chains
    nodes: dict[str, Node]
    shops: tuple[Shop, ...]


class World:
    """One run."""

    def __init__(self, grounds: Grounds, seed: int, profile: Profile) -> None:
        self.grounds, self.seed, self.profile = grounds, seed, profile
        self.clock, self.rng = FixedClock(), Random(f"{seed}:0")
        self.chains = {code: FakeChain(code, unix=self.clock.unix) for code in profile.networks}
        for code, chain in self.chains.items():
            grounds.nodes[code].attach(self, chain)
            chain.capabilities = KINDS[code].with_nodes(profile.nodes)
            chain.mine(12)
            for shop in grounds.shops:
                chain.fund(shop.master, 10**60)
        masters = {each.principal.merchant_id: each.master for each in grounds.shops}
        self.rules = Rules(grounds.store, self.clock, grounds.chains, self.chains, grounds.nodes, masters)
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter()
        self.armed = False
        self.interruption: Callable[[], None] = lambda: None
        """Does one thing of another process; set by who knows all of them."""
        self.depth = 0
        """How many processes are held up while others go on."""

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock.moment

    def node(self, code: str) -> Node:
        """Answer the node of a network."""
        return self.grounds.nodes[code]

    def told(self, code: str, head: Head) -> None:
        """Hear of a true head that the watcher was told."""
        self.rules.truths[code].told(head.final, head.latest.height)

    def learn(self, code: str) -> None:
        """Have the oracle see a chain before it changes again."""
        self.rules.truths[code].learn()

    def note(self, line: str) -> None:
        """Write a line of the trace."""
        self.trace.append(f"{'  ' * self.depth}{line}")

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def boundary(self, where: str) -> None:
        """Pass a place where a process may die, wait, or see the world change; inside a transaction it may only die."""
        if not self.armed:
            return
        chance, rules = self.rng.random(), self.profile
        if chance < rules.kill:
            self.note(f"! killed at {where}")
            self.counts["~ killed"] += 1
            raise Killed(where)
        chance -= rules.kill
        if chance < rules.database and where.startswith("db."):
            self._database_fails(where)
        if db._inside.get():
            return
        chance -= rules.database
        if 0 <= chance < rules.interleave and self.depth < DEEPEST:
            self._interleave(where)
        elif 0 <= chance - rules.interleave < rules.slow:
            seconds = self.rng.choice([0.5, 3, 10, 20, 70])
            self.note(f"! {seconds} s pass at {where}")
            self.pass_time(seconds)

    def identifier(self) -> str:
        """Answer an identifier as `next_ulid` does, by this run's time and chance."""
        millis = int(self.now.timestamp() * 1000)
        return str(ULID.from_bytes(struct.pack(">Q", millis)[2:] + self.rng.randbytes(10)))

    @contextmanager
    def expected(self, *kinds: type[Exception]) -> Iterator[None]:
        """Let pass, in silence, what may go wrong with a process; anything else breaks a rule."""
        try:
            yield
        except (NodeUnavailable,) + kinds as error:  # noqa: RUF005
            self.note(f"  refused: {type(error).__name__}: {str(error)[:100]}")
        except DBAPIError as error:
            if not is_injected(error):
                self.rules.break_rule("only what was made to fail fails", f"{type(error).__name__}: {error}")
            self.note(f"  failed: {str(error)[:80]}")
        except CloudPayError as error:
            self.rules.break_rule("only what was made to fail fails", f"{type(error).__name__}: {error}")

    def _interleave(self, where: str) -> None:
        self.counts["~ interleaved"] += 1
        self.note(f"! meanwhile, at {where}:")
        self.depth += 1
        try:
            for _ in range(self.rng.choice([1, 1, 2, 4])):
                self.interruption()
        finally:
            self.depth -= 1

    def _database_fails(self, where: str) -> None:
        self.counts["~ database failed"] += 1
        self.note(f"! the database fails at {where}")
        if where == "db.committed":  # the commit was done, and its answer lost
            cause = sqlite3.OperationalError(f"{INJECTED}: the connection broke")
            raise DBAPIError("COMMIT", {}, cause, connection_invalidated=True)
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError(f"{INJECTED}: database is locked"))


INJECTED = "by the simulation"


def is_injected(error: DBAPIError) -> bool:
    """Say whether a database error was made by the run."""
    return INJECTED in str(error.orig)
