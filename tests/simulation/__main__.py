"""`make simulate ARGS="--seeds 2000"`: runs seeds and says what they found; `--seed N` replays one."""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

from tests.simulation.mutants.hunting import MUTANTS
from tests.simulation.pieces import one_defect, one_seed
from tests.simulation.run import EVENTS_PER_SEED, Simulation, Verdict, simulation
from tests.simulation.shrinking import read_ranges
from tests.simulation.spreading import spread


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
    parser.add_argument("--jobs", type=int, default=1, help="processes to spread the seeds over (default 1)")
    arguments = parser.parse_args()
    if min(arguments.jobs, arguments.seeds) < 1:
        parser.error("--jobs and --seeds are at least 1")
    if arguments.postgres and "CLOUDPAY_TEST_DATABASE_URL" not in os.environ:
        command = [sys.executable, "scripts/postgres.py", sys.executable, "-m", "tests.simulation"]
        return subprocess.run([*command, *sys.argv[1:]], check=False).returncode
    server = os.environ["CLOUDPAY_TEST_DATABASE_URL"] if arguments.postgres else None
    if arguments.seed is not None:
        with simulation(server) as run:
            return _one(run, arguments.seed, arguments.events, read_ranges(arguments.skip))
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    if arguments.mutants:
        return _hunt(seeds, arguments.jobs, server)
    return _many(seeds, arguments.events, arguments.jobs, server)


def _one(run: Simulation, seed: int, events: int | None, skip: list[int]) -> int:
    verdict = run.run(seed, events, skip)
    print("\n".join(verdict.trace))
    if verdict.rule:
        print(f"\nBROKEN at step {verdict.step}: {verdict.rule}\n  {verdict.found}")
        return 1
    print(f"\nseed {seed}: {verdict.events - len(skip)} events, no rule broken")
    return 0


def _many(seeds: Sequence[int], events: int | None, jobs: int, server: str | None) -> int:
    began, told = time.monotonic(), time.monotonic()
    total = _Total()
    for verdict, shown in spread(partial(one_seed, events, server is not None), seeds, jobs, server):
        total.add(verdict)
        if shown:
            print(shown, flush=True)
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(
                f"{total.seeds:,} of {len(seeds):,} seeds, {total.events:,} events, {told - began:.0f} s, "
                f"{total.broken} broken",
                flush=True,
            )
    total.show(time.monotonic() - began, server is not None)
    return 1 if total.broken else 0


def _hunt(seeds: Sequence[int], jobs: int, server: str | None) -> int:
    """Plant each defect, and run seeds until one finds it."""
    missed = []
    for name, found in spread(partial(one_defect, seeds), list(MUTANTS), jobs, server):
        if found is None:
            missed.append(name)
        told = f"seed {found.seed}, step {found.step}: {found.rule}" if found else "NOT FOUND"
        print(f"{name:<66}{told}", flush=True)
    print(f"\n{len(MUTANTS)} planted defects, {len(missed)} not found within {len(seeds)} seeds")
    print("".join(f"  {each}\n" for each in missed), end="")
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


if __name__ == "__main__":
    sys.exit(main())
