"""Which process a holder is, and whether it is certainly gone."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cloudpay.kernel.holders import is_gone, new_holder

Process = tuple["subprocess.Popen[str]", str]


@pytest.fixture
def other() -> Iterator[Process]:
    """Another process, and the holder that it is."""
    code = "import sys, time\nfrom cloudpay.kernel.holders import new_holder\nprint(new_holder('h_'), flush=True)\n"
    command = [sys.executable, "-c", f"{code}time.sleep(600)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def test_a_process_that_lives_is_not_gone(other: Process) -> None:
    assert not is_gone(other[1])
    assert not is_gone(new_holder("h_"))


def test_a_killed_process_is_gone(other: Process) -> None:
    process, holder = other
    process.kill()
    process.wait()
    assert is_gone(holder)


def test_a_killed_process_that_nobody_has_buried_is_gone(other: Process) -> None:
    process, holder = other
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
    assert is_gone(holder)


def test_a_later_process_of_the_same_id_is_another_one() -> None:
    before, _, began = new_holder("h_").rpartition(":")
    assert is_gone(f"{before}:{int(began) - 1}")


@pytest.mark.parametrize("holder", ["watcher_01J9", "a", "", "w_1@0123456789abcdef:1:1"])
def test_of_another_machine_or_an_unknown_name_nothing_is_known(holder: str) -> None:
    assert not is_gone(holder)


def test_two_holders_of_one_process_are_two() -> None:
    assert new_holder("h_") != new_holder("h_")
    assert len(new_holder("scheduler_")) <= 100  # as long as the column
