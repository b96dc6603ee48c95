"""Leases that are kept during long work, and left to run out where it hangs."""

import itertools
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from cloudpay.kernel.db import Database
from cloudpay.kernel.leases import LeaseKeeper, LeaseRow, acquire
from cloudpay.kernel.renewing import Renewer
from cloudpay.testing import FixedClock

TTL = timedelta(seconds=15)
PATIENCE = 120.0


class Work:
    """Work that a test has get on, or hang, at a time that it moves."""

    def __init__(self, db: Database, clock: FixedClock) -> None:
        self.db, self.clock = db, clock
        self.steps, self.now = 0, 1_000.0
        self.keeper = LeaseKeeper(db, clock, "watch:evm", "a", TTL)
        self.keeper.hold()
        self.renewer = Renewer(self.keeper, lambda: self.steps, PATIENCE, lambda: self.now)

    def passes(self, seconds: float, *, done: int) -> None:
        """Let time pass, in which so much is done; the renewer has its turn then."""
        self.clock.advance(timedelta(seconds=seconds))
        self.now += seconds
        self.steps += done
        self.keeper._renew_at = 0.0
        self.renewer.turn()

    def is_held(self) -> bool:
        """Say whether nobody else could have the lease now."""
        with self.db.read() as session:
            row = session.scalars(select(LeaseRow)).one()
            return row.holder == "a" and row.until >= self.clock.now(session)


@pytest.fixture
def work(db: Database, clock: FixedClock) -> Work:
    return Work(db, clock)


def test_a_lease_is_kept_for_as_long_as_the_work_gets_on(work: Work) -> None:
    with work.renewer.working():
        for _ in range(100):
            work.passes(10, done=1)
            assert work.is_held()


def test_work_that_hangs_loses_its_lease_after_a_while(work: Work) -> None:
    with work.renewer.working():
        for _ in range(12):
            work.passes(10, done=0)
            assert work.is_held(), "one request may take so long"
        work.passes(10, done=0)
        work.passes(10, done=0)
        assert not work.is_held()


def test_nothing_is_renewed_while_there_is_no_work(work: Work) -> None:
    work.passes(10, done=1)
    work.passes(10, done=1)
    assert not work.is_held()


def test_a_lease_that_ran_out_is_not_snatched_back_and_one_that_was_taken_over_is_lost(work: Work) -> None:
    with work.renewer.working():
        work.clock.advance(TTL + timedelta(seconds=1))  # the whole process stood still
        work.passes(1, done=1)
        assert not work.is_held()
        assert acquire(work.db, work.clock, "watch:evm", "b", TTL) is not None
        work.passes(1, done=1)
        assert work.keeper.hold() is None


def test_a_database_that_is_away_does_not_end_the_renewing(
    db: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = LeaseKeeper(db, clock, "watch:evm", "a", timedelta(seconds=0.03))
    tried, again = itertools.count(1), threading.Event()

    def away() -> None:
        if next(tried) > 2:
            again.set()
        raise OperationalError("UPDATE", {}, Exception("the database system is starting up"))

    monkeypatch.setattr(keeper, "renew", away)
    with Renewer(keeper, lambda: 0, PATIENCE) as renewer, renewer.working():
        assert again.wait(20), "it was not tried again"
