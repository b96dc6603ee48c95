"""A sample of the matrix of kills while money goes out. `make kills-out` kills at every failpoint, 20 times."""

import os
import random
from pathlib import Path

import pytest

from tests.kills_out.audit import GIVEN_UP
from tests.kills_out.defects import places_of
from tests.kills_out.families import FAMILIES, Family
from tests.kills_out.matrix import open_run

pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.timeout(450)]

KILLS = 15
each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=[*FAMILIES])


@each_family
def test_f110_processes_killed_while_they_pay_out_pay_everybody_once(
    tmp_path: Path, empty_database: str, family: Family
) -> None:
    seed = int(os.environ.get("KILLS_SEED", "0")) or random.SystemRandom().randrange(10**6)
    database = "postgres" if empty_database else "sqlite"
    again = f'make kills-out ARGS="--family {family.name} --database {database} --seed {seed} --seeds 1"'
    with open_run(tmp_path, seed, empty_database, family=family) as run:
        run.kill(KILLS, seconds=120)
        in_time = run.calm_down()
        assert run.verdict().faults == [], again
        assert in_time, again
        assert sum(run.tally.kills.values()) >= KILLS
        assert run.merchants.items


@each_family
def test_an_engine_that_signs_anew_instead_of_the_same_bytes_is_found_out(
    tmp_path: Path, family: Family
) -> None:
    # On a busy machine it may not show at once.
    assert any(signing_anew_is_found(tmp_path / str(seed), seed, family) for seed in range(1, 4))


def signing_anew_is_found(folder: Path, seed: int, family: Family) -> bool:
    """Have one run with the defect; say whether the audit finds somebody paid twice."""
    folder.mkdir()
    defect = "signs anew"
    with open_run(folder, seed, family=family, places=places_of(defect), defect=defect) as run:
        run.kill(6, seconds=60)
        run.calm_down(seconds=20)
        verdict = run.verdict()
    # Where what is signed expires, what was given up may be found on the chain before a payee has it twice.
    return bool(verdict.double) or any(each.endswith(GIVEN_UP) for each in verdict.other)
