"""`make simulate ARGS="--seeds 2000"`: runs seeds and says what they found; `--seed N` replays one."""

import argparse
import faulthandler
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack

from tests.simulation.mutants import MUTANTS, hunt
from tests.simulation.run import EVENTS_PER_SEED, Simulation, Verdict, simulation
from tests.simulation.shrinking import ranges, read_ranges, shrink

_LONGEST = 600
"""Seconds after which a run counts as hanging: where it stands is printed, and all ends."""
_SHOWN = 60
"""Lines of the trace that are shown of a broken run."""


def main() -> int:
    """Run what the command line asks for; 1 when a rule was broken."""
    parser = argparse.ArgumentParser(prog="make simulate ARGS=…", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds to run (default 100)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default 1)")
    parser.add_argument("--seed", type=int, help="run this one alone, and print its trace")
    parser.add_argument("--events", type=int, help=f"steps of a run (default {EVENTS_PER_SEED})")
    parser.add_argument("--skip", default="", metavar="LIST", help="steps to leave out, as 3,7-12")
    parser.add_argument(
        "--mutants",
        action="store_true",
        help="plant defects, and see that each is found within --seeds seeds",
    )
    parser.add_argument("--postgres", action="store_true", help="on a private PostgreSQL instead of SQLite")
    arguments = parser.parse_args()
    if arguments.postgres and "CLOUDPAY_TEST_DATABASE_URL" not in os.environ:
        command = [sys.executable, "scripts/postgres.py", sys.executable, "-m", "tests.simulation"]
        return subprocess.run([*command, *sys.argv[1:]], check=False).returncode
    server = os.environ["CLOUDPAY_TEST_DATABASE_URL"] if arguments.postgres else None
    with ExitStack() as stack:
        run = stack.enter_context(simulation(server))
        if arguments.seed is not None:
            return _one(run, arguments.seed, arguments.events, read_ranges(arguments.skip))
        if arguments.mutants:
            return _hunt(run, arguments.first, arguments.seeds)
        seeds = range(arguments.first, arguments.first + arguments.seeds)
        return _many(run, seeds, arguments.events, arguments.postgres)


def _one(run: Simulation, seed: int, events: int | None, skip: list[int]) -> int:
    verdict = run.run(seed, events, skip)
    print("\n".join(verdict.trace))
    if verdict.rule:
        print(f"\nBROKEN at step {verdict.step}: {verdict.rule}\n  {verdict.found}")
        return 1
    print(f"\nseed {seed}: {verdict.events - len(skip)} events, no rule broken")
    return 0


def _many(run: Simulation, seeds: Iterable[int], events: int | None, postgres: bool) -> int:
    began, told = time.monotonic(), time.monotonic()
    total = _Total()
    for seed in seeds:
        faulthandler.dump_traceback_later(_LONGEST, exit=True)
        verdict = run.run(seed, events)
        total.add(verdict)
        if verdict.rule:
            _show_broken(run, verdict, events, postgres)
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(
                f"seed {seed}: {total.events:,} events, {told - began:.0f} s, {total.broken} broken",
                flush=True,
            )
    faulthandler.cancel_dump_traceback_later()
    total.show(time.monotonic() - began, postgres)
    return 1 if total.broken else 0


def _hunt(run: Simulation, first: int, seeds: int) -> int:
    """Plant each defect, and run seeds until one finds it."""
    missed = 0
    for name in MUTANTS:
        found = hunt(run, name, range(first, first + seeds))
        missed += found is None
        told = f"seed {found.seed}, step {found.step}: {found.rule}" if found else "NOT FOUND"
        print(f"{name:<58}{told}", flush=True)
    print(f"\n{len(MUTANTS)} planted defects, {missed} not found within {seeds} seeds")
    return 1 if missed else 0


class _Total:
    """What all runs came to."""

    def __init__(self) -> None:
        self.seeds = self.events = self.broken = self.invoices = self.payments = self.webhooks = 0
        self.counts: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()

    def add(self, verdict: Verdict) -> None:
        """Add one run."""
        self.seeds += 1
        self.events += verdict.step
        self.broken += bool(verdict.rule)
        self.counts.update(verdict.counts)
        self.checked.update(verdict.checked)
        self.invoices += verdict.invoices
        self.payments += verdict.payments
        self.webhooks += verdict.webhooks

    def show(self, seconds: float, postgres: bool) -> None:
        """Print the summary."""
        print("\nevents by kind (those between others, and faults, with a ~ or counted too)")
        for name, count in sorted(self.counts.items(), key=lambda each: (each[0][0] == "~", -each[1])):
            print(f"  {name:<45}{count:>10,}")
        print("\nrules, and how often each was looked at")
        for name, count in sorted(self.checked.items()):
            print(f"  {name:<45}{count:>10,}")
        print(
            f"\n{self.seeds:,} seeds on {'PostgreSQL' if postgres else 'SQLite'}, {self.events:,} events, "
            f"{self.invoices:,} invoices, {self.payments:,} payments, {self.webhooks:,} webhooks in "
            f"{seconds:.0f} s: {self.events / max(seconds, 0.001):.0f} events/s, "
            f"{sum(self.checked.values()):,} looks at {len(self.checked)} rules, {self.broken} broken"
        )


def _show_broken(run: Simulation, verdict: Verdict, events: int | None, postgres: bool) -> None:
    print(
        f"\nBROKEN: seed {verdict.seed}, step {verdict.step}: {verdict.rule}\n  {verdict.found}", flush=True
    )
    shortest = shrink(run, verdict, events)
    print("\n".join(shortest.verdict.trace[-_SHOWN:]))
    words = [f"--seed {verdict.seed}", f"--events {shortest.events}"]
    words += [f"--skip {ranges(shortest.skip)}"] if shortest.skip else []
    words += ["--postgres"] if postgres else []
    print(f'\nreplay with: make simulate ARGS="{" ".join(words)}"\n', flush=True)


if __name__ == "__main__":
    sys.exit(main())
