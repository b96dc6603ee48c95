"""Processes that are killed at their failpoints, one after the other, and followed at once by the next ones."""

import os
import queue
import random
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import update
from sqlalchemy.orm import Session

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.kernel.clock import Clock
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.leases import LeaseRow
from tests.kills.choosing import Choice, Tally
from tests.kills.stack import Stack, log_tail

_PATIENCE = 9.0
"""Seconds after which a place that is not come by makes room for another one."""

CALM_SECONDS = 60.0


def patience(seconds: float) -> float:
    """Answer how long to wait for what takes so long on a machine that does nothing else."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@dataclass
class Life:
    """The present process of a role, and the place at which it is to die."""

    pid: int
    place: Failpoint | None
    began: float


class Killing(ABC):
    """One seed on one stack; what the processes are to do, and what must come of it, is for those derived from it."""

    def __init__(
        self,
        stack: Stack,
        seed: int,
        places: Mapping[str, Sequence[Failpoint]],
        restart_database: Callable[[], None] | None,
        *,
        first_come: bool = False,
    ) -> None:
        self.stack, self.seed, self.tally = stack, seed, Tally()
        self.chance = random.Random(seed)
        self.choice = Choice(places, self.tally, self.chance, first_come=first_come)
        self.lives: dict[str, Life] = {}
        self._restart_database = restart_database
        self._by_pid: dict[int, str] = {}
        self._beside: dict[int, str] = {}
        self._ended: list[str] = []
        self._next_trouble = time.monotonic() + 2

    # What is done, and what comes of it

    @property
    @abstractmethod
    def failures(self) -> Iterable[BaseException | None]:
        """What the threads that work beside the processes ended with."""

    @abstractmethod
    def rest(self) -> None:
        """Ask for nothing more; what was asked for goes on."""

    @abstractmethod
    def is_settled(self) -> bool:
        """Say whether all has come to its end."""

    @abstractmethod
    def tend(self) -> None:
        """Do what is due while processes are killed."""

    @abstractmethod
    def tend_calm(self) -> None:
        """Do what is due while none is."""

    @abstractmethod
    def disturb(self) -> None:
        """Bring trouble of one's own, now and then."""

    def follow(self, role: str, *, armed: bool) -> None:
        """Start the process that follows one that has ended."""
        self.start(role, armed=armed)

    # Killing

    def kill(self, count: int | None, *, seconds: float, everywhere: bool = False) -> None:
        """Go on until so many processes were killed, or (`everywhere`) one at each place, or the time is over."""
        deadline = time.monotonic() + seconds
        done = sum(self.tally.kills.values())
        goal = None if count is None else done + count
        while time.monotonic() < deadline and not self._is_done(goal, everywhere=everywhere):
            self.bury()
            self.tend()
            self._give_up_waiting()
            self._trouble()
            self.check()

    def calm_down(self, seconds: float = CALM_SECONDS) -> bool:
        """Stop killing and asking, and let everything come to its end; say whether it did in time."""
        self.rest()
        for role, life in self.lives.items():
            if life.place is not None and life.pid in self._by_pid:
                self._ended.append(role)
                _end(life.pid)
        deadline = time.monotonic() + patience(seconds)
        while time.monotonic() < deadline:
            self.bury(armed=False)
            self.check()
            self.tend_calm()
            if self.is_settled():
                return True
        return False

    def halt(self) -> None:
        """Kill every process, and see it gone."""
        running = {*self._by_pid, *self._beside}
        for pid in running:
            _end(pid)
        while running:
            running.discard(self.stack.forks.ended.get(timeout=CALM_SECONDS)[0])
        self._by_pid.clear()
        self._beside.clear()
        self._ended.clear()

    def close(self) -> None:
        """Stop every process that was started."""
        for pid in (*self._by_pid, *self._beside):
            _end(pid)

    def start(self, role: str, *, armed: bool = True) -> None:
        """Start a process of a role, which dies at its place when it is armed."""
        place, rule = self.choice.rule(role) if armed else (None, "")
        pid = self.stack.start(role, rule)
        self.lives[role] = Life(pid, place, time.monotonic())
        self._by_pid[pid] = role

    def arm(self, role: str) -> None:
        """Have the present process of a role make room for one that dies at its place."""
        _end(self.lives[role].pid)

    def start_beside(self, role: str) -> None:
        """Start one more process of a role, which nobody kills: it does work of the dead beside their successors."""
        self._beside[self.stack.start(role)] = role

    def lives_now(self, role: str) -> bool:
        """Say whether a process of the role runs."""
        return self.lives[role].pid in self._by_pid

    def waits_for(self, role: str) -> Failpoint | None:
        """Answer the place at which the present process of a role is to die."""
        life = self.lives.get(role)
        return None if life is None else life.place

    def restart_database(self) -> None:
        """Crash the database's server and start it again."""
        assert self._restart_database is not None
        self.tally.database_stops += 1
        self._restart_database()

    def steal_lease(self, name: str) -> None:
        """Do what a process on another machine does that takes a lease over, and dies at once."""
        self.stack.gateway.db.run(partial(_steal, clock=self.stack.gateway.clock, name=name))

    def bury(self, *, armed: bool = True) -> None:
        """Notice a death, and start the next one at once."""
        try:
            pid, status = self.stack.forks.ended.get(timeout=0.05)
        except queue.Empty:
            return
        if pid in self._beside:
            assert status == CONFIGURATION_EXIT, (
                f"nobody killed what ended with {status}:\n{log_tail(self.stack)}"
            )
            self.start_beside(self._beside.pop(pid))
            return
        role = self._by_pid.pop(pid)
        life = self.lives[role]
        if life.pid != pid:
            return
        if status == -signal.SIGKILL and life.place is not None and role not in self._ended:
            self.tally.kills[role, self.stack.died_at(pid) or life.place] += 1
        elif status == CONFIGURATION_EXIT and self.tally.database_stops:
            self.tally.late_starts += 1  # it was to start while the database was away, and is started again
        elif status != -signal.SIGKILL:
            raise AssertionError(f"{role} ended with {status}:\n{log_tail(self.stack)}")
        self._ended = [each for each in self._ended if each != role]
        self.follow(role, armed=armed)

    def check(self) -> None:
        """Raise what a thread beside the processes ended with."""
        for failure in self.failures:
            if failure is not None:
                raise AssertionError(f"{failure}\n{log_tail(self.stack)}") from failure

    def _is_done(self, goal: int | None, *, everywhere: bool) -> bool:
        if everywhere:
            return self.choice.has_had_all
        return goal is not None and sum(self.tally.kills.values()) >= goal

    def _give_up_waiting(self) -> None:
        """End a process that does not come by its place: it is killed at a moment of nobody's choosing."""
        for role, life in self.lives.items():
            alive = life.pid in self._by_pid and role not in self._ended
            if alive and life.place is not None and time.monotonic() - life.began > patience(_PATIENCE):
                self.tally.not_come_by[role, life.place] += 1
                self._ended.append(role)
                _end(life.pid)

    def _trouble(self) -> None:
        """Now and then: a flushed or killed Valkey, a database server that crashes."""
        if time.monotonic() < self._next_trouble:
            return
        self._next_trouble = time.monotonic() + self.chance.uniform(0.5, 1.5)
        self.disturb()
        dice = self.chance.random()
        if dice < 0.2:
            self.stack.valkey.flush()
            self.tally.flushes += 1
        elif dice < 0.3:
            self.stack.valkey.stop()
            time.sleep(self.chance.uniform(0.1, 0.5))  # so long it is away
            self.stack.valkey.start()
            self.tally.valkey_stops += 1
        elif dice < 0.34 and self._restart_database is not None:
            self.restart_database()


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it came by its place in this moment


def _steal(session: Session, clock: Clock, name: str) -> None:
    values = {"holder": "another_machine", "token": LeaseRow.token + 1}
    until = clock.now(session) + timedelta(seconds=0.2)
    stolen = update(LeaseRow).where(LeaseRow.name == name).values(**values, until=until)
    session.execute(stolen, execution_options={"synchronize_session": False})
