"""Running the state machine under a seed: what fails says how to see it again."""

import logging
from pathlib import Path

import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import MoneyOut
from tests.properties.office import prepare


def run_machine(folder: Path, number: int, *, examples: int, steps: int, shrink: bool = True) -> int:
    """Run so many examples of so many steps at most; answer how many steps there were.

    What fails is shown by its shortest way, unless `shrink` is false.
    """
    wanted = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        print_blob=True,
        derandomize=False,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=[*HealthCheck],
    )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    MoneyOut.ground = prepare(folder)
    MoneyOut.steps = 0
    try:
        run_state_machine_as_test(seed(number)(MoneyOut), settings=wanted)
    except BaseException as error:
        again = f"--seed {number} --examples {examples} --each {steps}"
        error.add_note(f'Seed {number}; again: make properties ARGS="{again}"')
        raise
    return MoneyOut.steps
