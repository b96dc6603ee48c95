"""A sample of seeds on every change; `make simulate` runs the whole."""

from collections.abc import Iterator
from functools import partial

import pytest

from tests.conftest import SERVER
from tests.simulation.mutants.hunting import MUTANTS, hunt, planted
from tests.simulation.pieces import one_seed
from tests.simulation.run import Simulation, simulation
from tests.simulation.shrinking import ranges, read_ranges, shrink
from tests.simulation.spreading import spread

SEEDS = range(1, 6) if SERVER is None else range(6, 8)
EVENTS = 60 if SERVER is None else 40
SAMPLE = (
    "credits what is only included",
    "numbers transfers by their place in the block",
    "is paid by what is not final",
)
"""Defects that a few seeds find; `make simulate ARGS="--mutants --seeds 25"` plants all."""


@pytest.fixture(scope="module")
def run() -> Iterator[Simulation]:
    """The simulation, on the database of this test run."""
    with simulation(SERVER) as opened:
        yield opened


@pytest.mark.parametrize("seed", SEEDS)
def test_no_rule_is_broken_whatever_chance_does(run: Simulation, seed: int) -> None:
    verdict = run.run(seed, EVENTS)
    trace = "\n".join(verdict.trace[-60:])
    assert not verdict.rule, f"step {verdict.step}: {verdict.rule}\n{verdict.found}\n{trace}"
    assert verdict.checked["the ledger is sound"] == 1


def test_the_same_seed_is_the_same_run(run: Simulation) -> None:
    first, second = run.run(3, 40), run.run(3, 40)
    assert first.trace == second.trace
    assert first.checked == second.checked


def test_seeds_that_are_spread_over_processes_come_to_the_same(run: Simulation) -> None:
    work = partial(one_seed, 10, SERVER is not None)
    found = {verdict.seed: verdict.checked for verdict, _shown in spread(work, [1, 2, 3], 2, SERVER)}
    assert found == {seed: run.run(seed, 10).checked for seed in (1, 2, 3)}


def test_another_seed_is_another_run(run: Simulation) -> None:
    assert run.run(1, 10).trace != run.run(2, 10).trace


@pytest.mark.parametrize("name", SAMPLE if SERVER is None else SAMPLE[:1])
def test_a_planted_defect_is_found(run: Simulation, name: str) -> None:
    assert hunt(run, name, range(1, 26), EVENTS), f"25 seeds did not find that the gateway {name}"


def test_a_broken_run_is_shortened_and_replays(run: Simulation) -> None:
    with planted("is paid by what is not final"):
        broken = hunt(run, "is paid by what is not final", range(1, 26), EVENTS)
        assert broken
        shortest = shrink(run, broken, EVENTS, most_runs=8)
        assert shortest.events - len(shortest.skip) < broken.events  # how much goes, the seed decides
        again = run.run(broken.seed, shortest.events, read_ranges(ranges(shortest.skip)))
        assert again.rule == broken.rule


@pytest.mark.parametrize("name", MUTANTS)
def test_every_planted_defect_still_finds_the_place_that_it_changes(name: str) -> None:
    with planted(name):
        pass


def test_steps_are_written_as_ranges_and_read_back() -> None:
    steps = [1, 3, 4, 5, 9]
    assert ranges(steps) == "1,3-5,9"
    assert read_ranges(ranges(steps)) == steps
    assert read_ranges("") == []
