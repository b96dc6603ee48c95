"""The money rules of paying out hold whatever happens, in whatever order. `make properties` does thousands of steps."""

import os
import random
from pathlib import Path
from unittest import mock

import pytest

from tests.properties.running import run_machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES, STEPS = 8, 40


def test_whatever_happens_everybody_is_paid_once_and_the_books_agree(tmp_path: Path) -> None:
    seed = int(os.environ.get("PROPERTIES_SEED", "0")) or random.SystemRandom().randrange(10**9)
    assert run_machine(tmp_path, seed, examples=EXAMPLES, steps=STEPS) > EXAMPLES


def test_a_payout_that_is_taken_back_though_it_is_signed_is_found_out(tmp_path: Path) -> None:
    def withdraw(_session: object, _gateway: object, ids: list[str]) -> frozenset[str]:
        return frozenset(ids)

    with (
        mock.patch("cloudpay.payouts.decisions.withdraw_spends", withdraw),
        pytest.raises(AssertionError, match=r"reserved|arrived"),
    ):
        run_machine(tmp_path, 7, examples=150, steps=40, shrink=False)
