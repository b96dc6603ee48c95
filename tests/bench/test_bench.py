"""The benchmarks run and say under which conditions; what they measure is never tested."""

import json
import subprocess
import sys
from pathlib import Path

from bench.names import BENCHMARKS
from bench.page import table
from bench.report import Figure

ROOT = Path(__file__).resolve().parents[2]


def _bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


def test_the_list_names_every_benchmark() -> None:
    listed = [line.split()[0] for line in _bench("--list").splitlines()]
    assert listed == list(BENCHMARKS)


def test_figures_come_with_the_machine_and_the_command_that_repeats_them() -> None:
    told = _bench("derivations", "--quick")
    assert "per second of one core" in told
    assert "machine: " in told and "cores of" in told and "load average" in told
    assert "again:   python -m bench derivations --quick" in told


def test_figures_stand_beside_their_goals_and_can_be_read_by_a_program(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    told = _bench("derivations", "--quick", "--json", str(file))
    [report] = json.loads(file.read_text(encoding="utf-8"))
    [figure] = report["figures"]
    assert report["command"] == "python -m bench derivations --quick"
    assert figure["at_least"] == 10_000
    assert figure["ratio"] == figure["value"] / 10_000
    assert f"[goal >= 10,000: {'met' if figure['ratio'] >= 1 else 'MISSED'}" in told


def test_a_goal_is_met_at_its_bound() -> None:
    assert Figure("calls", 3, "calls", at_most=3).bound == "<= 3: met, 1.00"
    assert Figure("calls", 4, "calls", at_most=3).bound == "<= 3: MISSED, 0.75"
    assert Figure("rate", 399, "per second", at_least=400).bound == ">= 400: MISSED, 0.99"
    assert Figure("memory", 1, "MB").bound == ""


def test_an_unknown_benchmark_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "there is no benchmark nothing" in done.stderr


def test_the_table_of_the_page_is_what_was_measured_last() -> None:
    folder = ROOT / "docs" / "explanation"
    kept = json.loads((folder / "performance.json").read_text(encoding="utf-8"))
    assert table(kept) in (folder / "performance.md").read_text(encoding="utf-8")


def test_the_page_of_figures_names_every_benchmark() -> None:
    page = (ROOT / "docs" / "explanation" / "performance.md").read_text(encoding="utf-8")
    assert [name for name in BENCHMARKS if f"python -m bench {name}" not in page] == []
