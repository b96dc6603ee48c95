"""One run of money coming in: everything that takes part in it is killed; then the audit."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.orm import Session

from cloudpay.invoices.models import InvoiceRow
from cloudpay.kernel.clock import Clock
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.payments.networks import network_views
from cloudpay.payments.states import NetworkStatus
from tests.kills.audit import Verdict, audit, expired, quiet, settled
from tests.kills.killing import CALM_SECONDS, Killing
from tests.kills.payers import Payers
from tests.kills.roles import BALANCES, PLACES, ROLES
from tests.kills.shoppers import Shoppers
from tests.kills.stack import Stack, open_stack

_BESIDE = 3
"""Each seed that this divides has a second process for events and for webhooks, which is not killed."""

_SURELY_LATE = 2.0
"""Seconds after an expiry from which no block can bear a time before it: blocks tell whole seconds."""


class Run(Killing):
    """Shops order, payers pay, and the processes that take it in are killed."""

    def __init__(
        self,
        stack: Stack,
        seed: int,
        *,
        restart_database: Callable[[], None] | None = None,
        armed: bool = True,
    ) -> None:
        # With traces nobody looks at balances.
        places = {
            role: [each for each in PLACES[role] if not (stack.traces and each in BALANCES)] for role in ROLES
        }
        super().__init__(stack, seed, places, restart_database)
        self.payers = Payers(stack.ground, random.Random(f"{seed}:chain"), wants_reorgs=self._wants_reorgs)
        for role in ROLES if armed else ROLES[:-1]:
            self.start(role, armed=armed)
        if seed % _BESIDE == 0:
            for role in ("events", "webhooks"):
                self.start_beside(role)
        if not armed:
            self._await_open()  # where nobody is killed, nobody is refused, and so nobody may come too early
        self.shoppers = Shoppers(stack, self.payers, seed)

    @property
    def failures(self) -> Iterable[BaseException | None]:
        """What payers and shoppers ended with."""
        return (self.payers.failure, self.shoppers.failure)

    def serve(self, orders: int) -> None:
        """Let money come in, with no process killed, until so many more orders were answered."""
        goal, deadline = len(self.shoppers.orders) + orders, time.monotonic() + CALM_SECONDS
        while len(self.shoppers.orders) < goal:
            assert time.monotonic() < deadline, f"no {orders} orders were answered in {CALM_SECONDS:.0f} s"
            self.bury(armed=False)
            self._expire_due()
            self.check()

    def _await_open(self) -> None:
        deadline = time.monotonic() + CALM_SECONDS
        while all(each.status is not NetworkStatus.ACTIVE for each in network_views(self.stack.gateway)):
            assert time.monotonic() < deadline, f"no network was verified in {CALM_SECONDS:.0f} s"
            self.bury(armed=False)

    def rest(self) -> None:
        """Order nothing more, and reorganise nothing."""
        self.shoppers.ask_to_stop()
        self.payers.calm = True

    def is_settled(self) -> bool:
        """Say whether each order has come to what must come of it, and nothing waits."""
        if not (self.shoppers.done and self.payers.idle):
            return False
        orders = self.shoppers.orders
        return len(settled(self.stack, orders)) == len(orders) and quiet(self.stack)

    def close(self) -> None:
        """Stop everything that this run started."""
        self.shoppers.ask_to_stop()
        self.payers.stop()
        super().close()

    def verdict(self) -> Verdict:
        """Audit what came of it."""
        return audit(self.stack, self.shoppers.orders, self.payers.sent)

    def follow(self, role: str, *, armed: bool) -> None:
        """Start what follows; a rescan is started when its turn has come."""
        if role != "rescan":
            super().follow(role, armed=armed)

    def tend(self) -> None:
        """An operator reads blocks again now and then, which is killed like everything else."""
        if not self.lives_now("rescan") and not self.choice.is_ahead("rescan"):
            self.start("rescan")

    def tend_calm(self) -> None:
        """Let the time of the last invoices be over."""
        self._expire_due()

    def disturb(self) -> None:
        """A lease that another machine takes, a time that is over."""
        self.shoppers.settled(settled(self.stack, self.shoppers.orders))
        self._expire_due()
        if self.waits_for("watch") is Failpoint.LEASE_LOST:
            self.steal_lease(f"watch:{self.stack.ground.code}")

    def _wants_reorgs(self) -> bool:
        return self.waits_for("watch") is Failpoint.PAGE_REWOUND

    def _expire_due(self) -> None:
        """Let the time of some invoices be over; payers of some of them come too late."""
        waiting = [each for each in list(self.shoppers.orders) if each.waits_for_expiry]
        if not waiting:
            return
        fresh = [each.invoice_id for each in waiting if not each.over_at]
        if fresh:
            self.stack.gateway.db.run(partial(_end_time, clock=self.stack.gateway.clock, invoice_ids=fresh))
        over, now = expired(self.stack), time.monotonic()
        for order in waiting:
            order.over_at = order.over_at or now
            if order.kind == "late" and order.invoice_id in over and now - order.over_at > _SURELY_LATE:
                order.paid_late = True
                self.shoppers.send(order, order.units, self.chance)


def _end_time(session: Session, clock: Clock, invoice_ids: Sequence[str]) -> None:
    values = update(InvoiceRow).where(InvoiceRow.id.in_(invoice_ids)).values(expires_at=clock.now(session))
    session.execute(values, execution_options={"synchronize_session": False})


@contextmanager
def open_run(
    folder: Path,
    seed: int,
    database_url: str = "",
    *,
    restart_database: Callable[[], None] | None = None,
    armed: bool = True,
) -> Iterator[Run]:
    """Start a stack and its processes; the seed says whether the node's traces are used, or balances.

    Without `armed` no process is killed at a failpoint: the test brings trouble of its own.
    """
    with open_stack(folder, database_url, traces=bool(seed % 2)) as stack:
        run = Run(stack, seed, restart_database=restart_database, armed=armed)
        try:
            yield run
        finally:
            run.close()
