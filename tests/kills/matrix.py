"""One run: processes that are killed at their failpoints, one after the other, while money comes in; then the audit."""

import os
import queue
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.orm import Session

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.invoices.models import InvoiceRow
from cloudpay.kernel.clock import Clock
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.leases import LeaseRow
from tests.kills.audit import Verdict, audit, expired, quiet, settled
from tests.kills.choosing import Choice, Tally
from tests.kills.payers import Payers
from tests.kills.roles import BALANCES, PLACES, ROLES
from tests.kills.shoppers import Shoppers
from tests.kills.stack import NETWORK, Stack, log_tail, open_stack

_PATIENCE = 9.0
"""Seconds after which a place that is not come by makes room for another one."""

_CALM_SECONDS = 60.0

_BESIDE = 3
"""Each seed that this divides has a second process for events and for webhooks, which is not killed."""

_SURELY_LATE = 2.0
"""Seconds after an expiry from which no block can bear a time before it: blocks tell whole seconds."""


@dataclass
class Life:
    """The present process of a role, and the place at which it is to die."""

    pid: int
    place: Failpoint | None
    began: float


class Run:
    """One seed on one stack."""

    def __init__(
        self,
        stack: Stack,
        seed: int,
        *,
        restart_database: Callable[[], None] | None = None,
        armed: bool = True,
    ) -> None:
        self.stack, self.seed, self.tally = stack, seed, Tally()
        self._chance = random.Random(seed)
        self._restart_database = restart_database
        # With traces nobody looks at balances.
        places = {
            role: [each for each in PLACES[role] if not (stack.traces and each in BALANCES)] for role in ROLES
        }
        self._choice = Choice(places, self.tally, self._chance)
        self._lives: dict[str, Life] = {}
        self._by_pid: dict[int, str] = {}
        self._beside: dict[int, str] = {}
        self._ended: list[str] = []
        self.payers = Payers(stack.chain, random.Random(f"{seed}:chain"), wants_reorgs=self._wants_reorgs)
        for role in ROLES if armed else ROLES[:-1]:
            self._start(role, armed=armed)
        if seed % _BESIDE == 0:
            for role in ("events", "webhooks"):
                self._start_beside(role)
        self.shoppers = Shoppers(stack, self.payers, seed)
        self._next_trouble = time.monotonic() + 2

    def kill(self, count: int | None, *, seconds: float, everywhere: bool = False) -> None:
        """Go on until so many processes were killed, or (`everywhere`) one at each place, or the time is over."""
        deadline = time.monotonic() + seconds
        done = sum(self.tally.kills.values())
        goal = None if count is None else done + count
        while time.monotonic() < deadline and not self._is_done(goal, everywhere=everywhere):
            self._bury()
            self._rescan()
            self._give_up_waiting()
            self._trouble()
            self._check()

    def serve(self, orders: int) -> None:
        """Let money come in, with no process killed, until so many more orders were answered."""
        goal, deadline = len(self.shoppers.orders) + orders, time.monotonic() + _CALM_SECONDS
        while len(self.shoppers.orders) < goal:
            assert time.monotonic() < deadline, f"no {orders} orders were answered in {_CALM_SECONDS:.0f} s"
            self._bury(armed=False)
            self._expire_due()
            self._check()

    def calm_down(self) -> bool:
        """Stop killing and ordering, and let everything come to its end; say whether it did in time."""
        self.shoppers.ask_to_stop()
        self.payers.calm = True
        for role, life in self._lives.items():
            if life.place is not None and life.pid in self._by_pid:
                self._ended.append(role)
                self._end(life.pid, signal.SIGKILL)
        deadline = time.monotonic() + _CALM_SECONDS
        while time.monotonic() < deadline:
            self._bury(armed=False)
            self._check()
            self._expire_due()
            if self.shoppers.done and self._is_settled():
                return True
        return False

    def close(self) -> None:
        """Stop everything that this run started."""
        self.shoppers.ask_to_stop()
        self.payers.stop()
        for pid in (*self._by_pid, *self._beside):
            self._end(pid, signal.SIGKILL)

    def verdict(self) -> Verdict:
        """Audit what came of it."""
        return audit(self.stack, self.shoppers.orders, self.payers.sent)

    def _is_done(self, goal: int | None, *, everywhere: bool) -> bool:
        if everywhere:
            return self._choice.has_had_all
        return goal is not None and sum(self.tally.kills.values()) >= goal

    def _is_settled(self) -> bool:
        orders = self.shoppers.orders
        return self.payers.idle and len(settled(self.stack, orders)) == len(orders) and quiet(self.stack)

    def _start(self, role: str, *, armed: bool = True) -> None:
        place, rule = self._choice.rule(role) if armed else (None, "")
        pid = self.stack.start(role, rule)
        self._lives[role] = Life(pid, place, time.monotonic())
        self._by_pid[pid] = role

    def _start_beside(self, role: str) -> None:
        """Start one more process of a role, which nobody kills: it does work of the dead beside their successors."""
        self._beside[self.stack.start(role)] = role

    def _bury(self, *, armed: bool = True) -> None:
        """Notice a death, and start the next one at once."""
        try:
            pid, status = self.stack.forks.ended.get(timeout=0.05)
        except queue.Empty:
            return
        if pid in self._beside:
            assert status == CONFIGURATION_EXIT, (
                f"nobody killed what ended with {status}:\n{log_tail(self.stack)}"
            )
            self._start_beside(self._beside.pop(pid))
            return
        role = self._by_pid.pop(pid)
        life = self._lives[role]
        if life.pid != pid:
            return
        if status == -signal.SIGKILL and life.place is not None and role not in self._ended:
            self.tally.kills[role, life.place] += 1
        elif status == CONFIGURATION_EXIT and self.tally.database_stops:
            self.tally.late_starts += 1  # it was to start while the database was away, and is started again
        elif status != -signal.SIGKILL:
            raise AssertionError(f"{role} ended with {status}:\n{log_tail(self.stack)}")
        self._ended = [each for each in self._ended if each != role]
        if role != "rescan":
            self._start(role, armed=armed)

    def _rescan(self) -> None:
        """An operator reads blocks again now and then, which is killed like everything else."""
        if self._lives["rescan"].pid not in self._by_pid and not self._choice.is_ahead("rescan"):
            self._start("rescan")

    def _give_up_waiting(self) -> None:
        """End a process that does not come by its place: it is killed at a moment of nobody's choosing."""
        for role, life in self._lives.items():
            alive = life.pid in self._by_pid and role not in self._ended
            if alive and life.place is not None and time.monotonic() - life.began > _PATIENCE:
                self.tally.not_come_by[role, life.place] += 1
                self._ended.append(role)
                self._end(life.pid, signal.SIGKILL)

    @staticmethod
    def _end(pid: int, how: signal.Signals) -> None:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return  # it came by its place in this moment

    def _wants_reorgs(self) -> bool:
        life = self._lives.get("watch")
        return life is not None and life.place is Failpoint.PAGE_REWOUND

    def _trouble(self) -> None:
        """Now and then: a flushed or killed Valkey, a lease that another machine takes, a time that is over."""
        if time.monotonic() < self._next_trouble:
            return
        self._next_trouble = time.monotonic() + self._chance.uniform(0.5, 1.5)
        self.shoppers.settled(settled(self.stack, self.shoppers.orders))
        self._expire_due()
        if self._lives["watch"].place is Failpoint.LEASE_LOST:
            self.stack.gateway.db.run(partial(_steal_lease, clock=self.stack.gateway.clock))
        dice = self._chance.random()
        if dice < 0.2:
            self.stack.valkey.flush()
            self.tally.flushes += 1
        elif dice < 0.3:
            self.stack.valkey.stop()
            time.sleep(self._chance.uniform(0.1, 0.5))  # so long it is away
            self.stack.valkey.start()
            self.tally.valkey_stops += 1
        elif dice < 0.34 and self._restart_database is not None:
            self.restart_database()

    def restart_database(self) -> None:
        """Crash the database's server and start it again."""
        assert self._restart_database is not None
        self.tally.database_stops += 1
        self._restart_database()

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
                self.shoppers.send(order, order.units, self._chance)

    def _check(self) -> None:
        for failure in (self.payers.failure, self.shoppers.failure):
            if failure is not None:
                raise AssertionError(f"{failure}\n{log_tail(self.stack)}") from failure


def _end_time(session: Session, clock: Clock, invoice_ids: Sequence[str]) -> None:
    values = update(InvoiceRow).where(InvoiceRow.id.in_(invoice_ids)).values(expires_at=clock.now(session))
    session.execute(values, execution_options={"synchronize_session": False})


def _steal_lease(session: Session, clock: Clock) -> None:
    """What a watcher on another machine does that takes over, and dies at once."""
    values = {"holder": "watcher_of_another_machine", "token": LeaseRow.token + 1}
    until = clock.now(session) + timedelta(seconds=0.2)
    stolen = update(LeaseRow).where(LeaseRow.name == f"watch:{NETWORK}").values(**values, until=until)
    session.execute(stolen, execution_options={"synchronize_session": False})


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
