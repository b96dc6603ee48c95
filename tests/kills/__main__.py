"""`make kills`: the whole matrix of kills, with a table at its end; a seed that fails prints the command to repeat it.

python -m tests.kills --kills 500 --seed 1 --database sqlite,postgres
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.choosing import Tally
from tests.kills.databases import postgres
from tests.kills.matrix import Run, open_run
from tests.kills.roles import PLACES
from tests.kills.stack import log_tail

DATABASES = ("sqlite", "postgres")


@dataclass
class Total:
    """What all runs on one database came to."""

    kills: Counter[tuple[str, Failpoint]] = field(default_factory=Counter)
    invoices: int = 0
    payments: int = 0
    webhooks: int = 0
    unpaid: int = 0
    twice: int = 0
    missing: int = 0
    other: int = 0


def main() -> int:
    """Run the matrix; 0 when nothing was wrong."""
    options = _options()
    totals = {name: Total() for name in options.database.split(",")}
    for name, total in totals.items():
        with _server(name) as server:
            seed = options.seed
            while sum(total.kills.values()) < options.kills:
                count = min(options.each, options.kills - sum(total.kills.values()))
                _one(name, server, seed, count, total)
                seed += 1
    _table(totals)
    return (
        0
        if all(not (each.unpaid or each.twice or each.missing or each.other) for each in totals.values())
        else 1
    )


Server = Callable[[], tuple[str, Callable[[], None] | None]]
"""Answers the URL of an empty database, and what restarts its server."""


def _one(name: str, server: Server, seed: int, count: int, total: Total) -> None:
    again = f'make kills ARGS="--database {name} --kills {count} --seed {seed}"'
    print(f"{name} seed {seed}: {count} kills ({again})", flush=True)
    url, restart = server()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cloudpay-kills-", ignore_cleanup_errors=True) as folder:
        with open_run(Path(folder), seed, url, restart_database=restart) as run:
            run.kill(count, seconds=60 + count * 4.0)
            in_time = run.calm_down()
            verdict = run.verdict()
            _add(total, run)
        total.unpaid += len(verdict.unpaid)
        total.twice += len(verdict.paid_twice)
        total.missing += len(verdict.webhooks_missing)
        total.other += len(verdict.other)
        _report(run, run.tally, time.monotonic() - began)
        if verdict.faults or not in_time:
            print(f"WRONG (again: {again})", *verdict.faults[:20], sep="\n  ")
            print(log_tail(run.stack), flush=True)


def _add(total: Total, run: Run) -> None:
    total.kills += run.tally.kills
    total.invoices += len(run.shoppers.orders)
    total.payments += run.payers.count
    total.webhooks += len(run.stack.endpoints.bodies)


def _report(run: Run, tally: Tally, seconds: float) -> None:
    refused = dict(Counter(each.partition(":")[0] for each in run.shoppers.refusals))
    print(
        f"  {sum(tally.kills.values())} kills in {seconds:.0f} s; {len(run.shoppers.orders)} invoices, "
        f"{run.payers.count} payments, {run.payers.reorgs} reorganisations, "
        f"{len(run.stack.endpoints.bodies)} webhooks in {run.stack.endpoints.calls} calls; Valkey flushed "
        f"{tally.flushes} and killed {tally.valkey_stops} times, the database restarted {tally.database_stops} times; "
        f"requests refused: {refused}",
        flush=True,
    )


def _table(totals: dict[str, Total]) -> None:
    print(f"\n{'killed at':<34}" + "".join(f"{name:>10}" for name in totals))
    for role, places in PLACES.items():
        for place in places:
            counts = "".join(f"{total.kills[role, place]:>10}" for total in totals.values())
            print(f"{f'{role}: {place}':<34}{counts}")
    figures: dict[str, Callable[[Total], int]] = {
        "kills": lambda total: sum(total.kills.values()),
        "invoices": lambda total: total.invoices,
        "payments": lambda total: total.payments,
        "webhooks": lambda total: total.webhooks,
        "invoices unpaid": lambda total: total.unpaid,
        "paid or told twice": lambda total: total.twice,
        "webhooks missing": lambda total: total.missing,
        "anything else wrong": lambda total: total.other,
    }
    for word, figure in figures.items():
        print(f"{word:<34}" + "".join(f"{figure(total):>10}" for total in totals.values()))


@contextmanager
def _server(name: str) -> Iterator[Server]:
    if name == "sqlite":
        yield lambda: ("", None)
        return
    with postgres() as (new_database, restart):
        yield lambda: (new_database(), restart)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=250, help="kills on each database (default: 250)")
    parser.add_argument("--each", type=int, default=50, help="kills between two audits (default: 50)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument(
        "--database", default=",".join(DATABASES), help="sqlite, postgres, or both by a comma"
    )
    options = parser.parse_args()
    unknown = set(options.database.split(",")) - set(DATABASES)
    if unknown:
        parser.error(f"there is no database {', '.join(sorted(unknown))}; choose of {', '.join(DATABASES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
