"""The money rules of paying out hold whatever happens, in whatever order. `make properties` does thousands of steps."""

import os
import random
from pathlib import Path

import pytest

from tests.properties.running import run_machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES, STEPS = 8, 40


def test_whatever_happens_everybody_is_paid_once_and_the_books_agree(tmp_path: Path) -> None:
    seed = int(os.environ.get("PROPERTIES_SEED", "0")) or random.SystemRandom().randrange(10**9)
    assert run_machine(tmp_path, seed, examples=EXAMPLES, steps=STEPS) > EXAMPLES
