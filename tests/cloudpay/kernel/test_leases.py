import threading
from datetime import timedelta

import pytest

from cloudpay.kernel.db import Database
from cloudpay.kernel.holders import new_holder
from cloudpay.kernel.leases import Lease, LeaseLost, acquire, fence, release
from cloudpay.testing import FixedClock

TTL = timedelta(seconds=30)


def take(db: Database, clock: FixedClock, holder: str) -> Lease | None:
    return acquire(db, clock, "watch:evm", holder, TTL)


def took(db: Database, clock: FixedClock, holder: str) -> Lease:
    lease = take(db, clock, holder)
    assert lease is not None
    return lease


def test_one_holder_at_a_time(db: Database, clock: FixedClock) -> None:
    took(db, clock, "a")
    assert take(db, clock, "b") is None


def test_leases_of_other_names_are_free(db: Database, clock: FixedClock) -> None:
    took(db, clock, "a")
    assert acquire(db, clock, "watch:bsc", "b", TTL) is not None


def test_a_holder_extends_its_lease_and_keeps_its_token(db: Database, clock: FixedClock) -> None:
    first = took(db, clock, "a")
    clock.advance(TTL - timedelta(seconds=1))
    assert took(db, clock, "a") == first
    clock.advance(TTL - timedelta(seconds=1))
    assert take(db, clock, "b") is None


def test_a_lease_that_ran_out_is_taken_over_with_a_greater_token(db: Database, clock: FixedClock) -> None:
    first = took(db, clock, "a")
    clock.advance(TTL)
    assert take(db, clock, "b") is None  # not a moment too early
    clock.advance(timedelta(milliseconds=1))
    assert took(db, clock, "b").token > first.token


def test_the_lease_of_a_process_that_is_gone_is_taken_over_at_once_and_fenced(
    db: Database, clock: FixedClock
) -> None:
    """F110: a watcher that was killed and started again need not wait for its own lease to run out."""
    here, _, began = new_holder("watcher_").rpartition(":")
    dead = took(db, clock, f"{here}:{int(began) - 1}")  # this process id, given to an earlier process
    heir = took(db, clock, new_holder("watcher_"))
    assert heir.token > dead.token
    assert take(db, clock, new_holder("watcher_")) is None  # the heir lives
    with pytest.raises(LeaseLost):
        db.run(lambda session: fence(session, dead))


def test_a_holder_that_was_replaced_cannot_commit(db: Database, clock: FixedClock) -> None:
    late = took(db, clock, "a")
    clock.advance(TTL * 2)
    current = took(db, clock, "b")
    with pytest.raises(LeaseLost, match="watch:evm"):
        db.run(lambda session: fence(session, late))
    db.run(lambda session: fence(session, current))


def test_a_holder_that_was_replaced_cannot_come_back_under_its_old_token(
    db: Database, clock: FixedClock
) -> None:
    late = took(db, clock, "a")
    clock.advance(TTL * 2)
    took(db, clock, "b")
    clock.advance(TTL * 2)
    assert took(db, clock, "a").token > late.token
    with pytest.raises(LeaseLost):
        db.run(lambda session: fence(session, late))


def test_a_lease_that_was_given_back_is_free_at_once(db: Database, clock: FixedClock) -> None:
    first = took(db, clock, "a")
    release(db, first)
    assert took(db, clock, "b").token > first.token
    with pytest.raises(LeaseLost):
        db.run(lambda session: fence(session, first))


def test_a_late_holder_cannot_give_back_what_is_another_ones(db: Database, clock: FixedClock) -> None:
    late = took(db, clock, "a")
    clock.advance(TTL * 2)
    took(db, clock, "b")
    release(db, late)
    assert take(db, clock, "c") is None


@pytest.mark.parametrize("expired", [False, True])
def test_of_many_that_try_at_the_same_time_one_gets_it(
    db: Database, clock: FixedClock, expired: bool
) -> None:
    if expired:
        took(db, clock, "before")
        clock.advance(TTL * 2)
    barrier, got = threading.Barrier(5, timeout=20), []

    def work(number: int) -> None:
        barrier.wait()
        got.append(take(db, clock, f"holder {number}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(got) == 5
    assert len([lease for lease in got if lease is not None]) == 1


def test_a_take_over_waits_for_a_holder_that_is_about_to_commit(db: Database, clock: FixedClock) -> None:
    lease, result = took(db, clock, "a"), []
    clock.advance(TTL * 2)
    thread = threading.Thread(target=lambda: result.append(take(db, clock, "b")))
    with db.transaction() as session:
        fence(session, lease)  # holds the row until the commit
        thread.start()
        thread.join(0.3)
        assert result == []
    thread.join(30)
    assert result[0] is not None
