import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import VARIABLE, Failpoint, FailpointsRefused, arm_from, passing


@pytest.fixture(autouse=True)
def nothing_armed() -> Iterator[None]:
    yield
    failpoints.disarm()


def test_nothing_happens_where_nothing_is_armed() -> None:
    arm_from({}, live=True)
    for place in Failpoint:
        passing(place)


def test_an_armed_place_acts_at_the_passage_that_was_asked_for() -> None:
    arm_from({VARIABLE: "page.committed=raise:ENOSPC@3"}, live=False)
    passing(Failpoint.PAGE_COMMITTED)
    passing(Failpoint.PAGE_SETTLED)
    passing(Failpoint.PAGE_COMMITTED)
    with pytest.raises(OSError, match="No space left") as raised:
        passing(Failpoint.PAGE_COMMITTED)
    assert raised.value.errno == errno.ENOSPC
    passing(Failpoint.PAGE_COMMITTED)


def test_a_plus_means_every_later_passage_too() -> None:
    arm_from({VARIABLE: "page.committed=raise:locked@2+, page.settled=raise:full"}, live=False)
    passing(Failpoint.PAGE_COMMITTED)
    for _ in range(2):
        with pytest.raises(OperationalError, match="database is locked"):
            passing(Failpoint.PAGE_COMMITTED)
    with pytest.raises(OperationalError, match="disk is full"):
        passing(Failpoint.PAGE_SETTLED)


def test_a_stall_takes_its_seconds() -> None:
    arm_from({VARIABLE: "poll.begun=stall:0.05"}, live=False)
    began = time.monotonic()
    passing(Failpoint.POLL_BEGUN)
    assert time.monotonic() - began >= 0.05


def test_a_kill_is_a_sigkill_of_the_own_process() -> None:
    code = (
        "import os; from cloudpay.kernel.failpoints import *; arm_from(os.environ, live=False)\n"
        "passing(Failpoint.POLL_BEGUN); print('once', flush=True); passing(Failpoint.POLL_BEGUN); print('twice')"
    )
    environment = {**os.environ, VARIABLE: "poll.begun=kill@2"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "once\n")


@pytest.mark.parametrize(
    "rule",
    ["page.commited=kill", "page.committed", "page.committed=die", "page.committed=raise:EIO", "poll.begun=stall",
     "poll.begun=kill@0"],
)  # fmt: skip
def test_a_rule_that_cannot_be_read_stops_the_start(rule: str) -> None:
    with pytest.raises(FailpointsRefused, match=VARIABLE):
        arm_from({VARIABLE: rule}, live=False)


def test_a_gateway_with_real_money_refuses_to_start_with_failpoints() -> None:
    with pytest.raises(FailpointsRefused, match="real money"):
        arm_from({VARIABLE: "page.committed=kill"}, live=True)


def test_every_place_is_marked_in_the_code() -> None:
    product = Path(failpoints.__file__).parents[1]
    code = "".join(
        each.read_text(encoding="utf-8") for each in product.rglob("*.py") if each.name != "failpoints.py"
    )
    assert [place for place in Failpoint if f"Failpoint.{place.name}" not in code] == []
