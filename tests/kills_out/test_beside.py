"""Runs side by side are added up, and one that tells nothing is no sound one; what a process is armed with."""

import argparse
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.choosing import Choice, Tally
from tests.kills.totals import Total
from tests.kills_out import beside
from tests.kills_out.page import written

DATABASES = ["sqlite", "postgres"]
PLACES = {"send": (Failpoint.SEND_SIGNED, Failpoint.SEND_REPLACED, Failpoint.SEND_BROADCAST)}


def _options() -> argparse.Namespace:
    return argparse.Namespace(family="evm", seed=3, seeds=2, jobs=2, seconds=1.0, databases=DATABASES)


def _report(name: str, *, lost: int = 0) -> dict[str, Any]:
    total = Total()
    kills = Counter({("send", Failpoint.SEND_SIGNED): 2})
    total.add(kills, {"payouts": 7}, {"lost": lost}, in_time=True)
    return written({name: total}, argparse.Namespace(family="evm", seed=3, seeds=1))


def test_what_runs_came_to_is_added_up_by_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(name: str, seed: int, _family: str, _seconds: float, _folder: Path) -> tuple[str, dict[str, Any]]:
        return f"{name} {seed}", _report(name, lost=1 if (name, seed) == ("postgres", 4) else 0)

    monkeypatch.setattr(beside, "_run", run)
    said = list[str]()
    totals = beside.run_beside(_options(), said.append)
    assert said == ["sqlite 3", "postgres 3", "sqlite 4", "postgres 4"]
    assert [totals[name].kills["send", Failpoint.SEND_SIGNED] for name in DATABASES] == [4, 4]
    assert [totals[name].figures["payouts"] for name in DATABASES] == [14, 14]
    assert totals["sqlite"].is_sound
    assert not totals["postgres"].is_sound


def test_a_run_that_breaks_off_is_not_a_sound_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_run", lambda name, seed, *_: ("", _report(name) if seed == 3 else None))
    totals = beside.run_beside(_options(), lambda _said: None)
    assert not any(each.is_sound for each in totals.values())


def test_a_process_is_armed_with_every_place_at_which_none_was_killed() -> None:
    tally = Tally()
    choice = Choice(PLACES, tally, random.Random(1), first_come=True)
    assert sorted(each.partition("=")[0] for each in choice.rule("send")[1].split(",")) == sorted(
        PLACES["send"]
    )
    tally.kills["send", Failpoint.SEND_SIGNED] += 1
    tally.not_come_by["send", Failpoint.SEND_BROADCAST] += 1
    place, armed = choice.rule("send")
    assert place is Failpoint.SEND_REPLACED
    assert armed == "send.replaced=kill@1,send.broadcast=kill@1"


def test_a_process_that_dies_at_one_place_alone_is_armed_with_that() -> None:
    place, armed = Choice(PLACES, Tally(), random.Random(1)).rule("send")
    assert armed.startswith(f"{place}=kill@") and "," not in armed
