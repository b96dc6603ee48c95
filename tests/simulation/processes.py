"""The processes of a gateway, step by step: what each holds in memory is gone when it dies."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from cloudpay import wiring
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices import change
from cloudpay.kernel.db import Database
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.leases import LeaseLost
from cloudpay.kernel.secrets import KEY_BYTES, AppKey
from cloudpay.outbox import service as outbox
from cloudpay.payments.loop import WatchLoop
from cloudpay.payments.watcher import Watcher
from cloudpay.webhooks import delivery
from cloudpay.webhooks.claims import Claim, claim_due
from tests.simulation.receivers import Receivers
from tests.simulation.world import Killed, World


class SimDatabase(Database):
    """A database whose transactions begin and end at boundaries."""

    def __init__(self, world: World) -> None:
        self._world = world
        super().__init__(world.grounds.store.url)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction, at risk."""
        self._world.boundary("begin")
        with super().transaction() as session:
            yield session
            self._world.boundary("db.commit")
        self._world.boundary("db.committed")


class Process:
    """One process of the gateway: a memory of its own, and the common database."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.start()

    def start(self) -> None:
        """Begin with an empty memory."""
        grounds = self.world.grounds
        self.gateway = Gateway(
            grounds.settings,
            SimDatabase(self.world),
            self.world.clock,
            grounds.chains,
            AppKey(bytes(KEY_BYTES)),
        )

    def run(self, work: Callable[[], object], *expected: type[Exception]) -> bool:
        """Do a piece of work; a process that dies on it is started anew. Answer whether it came to its end."""
        try:
            with self.world.expected(*expected):
                work()
                return True
        except Killed:
            self.start()
        return False


class Watching(Process):
    """A worker of the queue `watch`, for one network."""

    def __init__(self, world: World, name: str, code: str) -> None:
        self.code = code
        super().__init__(world, name)

    def start(self) -> None:
        """Begin with a loop that holds no lease and has verified nothing."""
        super().start()
        network = self.gateway.chains.network(self.code)
        self.loop = WatchLoop(self.gateway, network)
        adapter = self.gateway.chains.adapter(self.code)
        self.watcher = Watcher(self.gateway, network, adapter, self.loop._keeper)

    def poll(self) -> None:
        """Do what one round of the loop does."""
        if not self.run(self._round, LeaseLost, ConfigurationError):
            return

    def _round(self) -> None:
        if self.loop._keeper.hold() is not None:
            self.loop._poll(self.watcher)


class Draining(Process):
    """A worker of the queue `events`."""

    def drain(self, limit: int) -> int:
        """Hand one batch on; answer how many events it had."""
        claimed: list[int] = []
        self.run(lambda: claimed.append(outbox.drain(self.gateway, wiring.EVENT_HANDLERS, limit=limit)))
        return sum(claimed)


class Delivering(Process):
    """A worker of the queue `webhooks`: it claims, and each call takes its time."""

    def __init__(self, world: World, name: str, receivers: Receivers) -> None:
        self.receivers = receivers
        super().__init__(world, name)

    def start(self) -> None:
        """Begin with no call under way."""
        super().start()
        self.under_way: list[Claim] = []

    def claim(self, most: int) -> None:
        """Claim what is due."""
        running = Counter(each.merchant_id for each in self.under_way)
        self.run(lambda: self.under_way.extend(claim_due(self.gateway, most, running, 3)))

    def finish(self) -> None:
        """Finish one call."""
        if self.under_way:
            claim = self.under_way.pop(self.world.rng.randrange(len(self.under_way)))
            self.run(lambda: delivery.attempt(self.gateway, self.receivers, claim))


class Scheduling(Process):
    """The process that has the schedule."""

    def expire(self) -> None:
        """Have invoices expire."""
        self.run(lambda: change.expire_due(self.gateway))

    def tick(self) -> None:
        """Do everything that is on the schedule."""
        for _seconds, work in wiring.SCHEDULE.values():
            self.run(lambda work=work: work(self.gateway))  # type: ignore[misc]  # the name is bound at once
