"""Runs side by side: each seed on each database is a process of its own, and what they came to is added up."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.totals import Total

_TABLE = "\nkilled at"


def run_beside(options: argparse.Namespace, tell: Callable[[str], None]) -> Mapping[str, Total]:
    """Run every seed on every database, `--jobs` of them at a time; what one run says is told when it has ended.

    A run that ends with nothing to add up counts as one that did not come to its end.
    """
    seeds = range(options.seed, options.seed + options.seeds)
    wanted = [(name, seed) for seed in seeds for name in options.databases]
    totals = {name: Total() for name in options.databases}
    with (
        tempfile.TemporaryDirectory(prefix="cloudpay-kills-") as folder,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        found = pool.map(
            lambda each: _run(each[0], each[1], options.family, options.seconds, Path(folder)), wanted
        )
        for (name, _), (said, report) in zip(wanted, found, strict=True):
            tell(said)
            _add(totals[name], report["databases"][name] if report else None)
    return totals


def _run(
    name: str, seed: int, family: str, seconds: float, folder: Path
) -> tuple[str, dict[str, Any] | None]:
    file = folder / f"{name}-{seed}.json"
    command = [
        sys.executable,
        "-m",
        "tests.kills_out",
        "--family",
        family,
        "--database",
        name,
        "--seed",
        str(seed),
        "--seeds",
        "1",
    ]
    command += ["--seconds", str(seconds), "--json", str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if not file.exists():
        return f"{done.stdout}\n{name} seed {seed} ended with {done.returncode}", None
    return done.stdout.partition(_TABLE)[0].rstrip(), json.loads(file.read_text(encoding="utf-8"))


def _add(total: Total, report: Mapping[str, Any] | None) -> None:
    if report is None:
        total.late += 1
        return
    kills = Counter({_place(name): number for name, number in report["kills"].items()})
    total.add(kills, report["figures"], report["wrong"], in_time=True)
    total.late += report["late"]


def _place(name: str) -> tuple[str, Failpoint]:
    role, _, place = name.partition(": ")
    return role, Failpoint(place)
