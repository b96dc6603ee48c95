"""A sample of the matrix of kills: each process is killed at each of its failpoints. `make kills` runs hundreds."""

import os
import random
from pathlib import Path

import pytest

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.matrix import open_run
from tests.kills.roles import PLACES
from tests.kills_out.roles import PLACES as MONEY_OUT

pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.timeout(240)]

KILLS = 15


def test_every_failpoint_is_one_that_some_process_is_killed_at() -> None:
    out = {place for places in MONEY_OUT.values() for place in places}
    assert {place for places in PLACES.values() for place in places} | out == set(Failpoint)


def test_f110_processes_killed_at_their_failpoints_lose_and_double_nothing(
    tmp_path: Path, empty_database: str
) -> None:
    seed = int(os.environ.get("KILLS_SEED", "0")) or random.SystemRandom().randrange(10**6)
    database = "postgres" if empty_database else "sqlite"
    again = f'make kills ARGS="--database {database} --kills {KILLS} --seed {seed}"'
    with open_run(tmp_path, seed, empty_database) as run:
        run.kill(KILLS, seconds=120)
        in_time = run.calm_down()
        assert run.verdict().faults == [], again
        assert in_time, again
        assert sum(run.tally.kills.values()) >= KILLS
        assert run.shoppers.orders
