"""`make kills`: the matrix of kills while money comes in, with a table at its end.

A seed that fails prints the command to repeat it: python -m tests.kills --kills 500 --seed 1 --database sqlite,postgres
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.kills.matrix import Run, open_run
from tests.kills.roles import PLACES
from tests.kills.stack import log_tail
from tests.kills.totals import Server, Total, read_options, server, table, told


def main() -> int:
    """Run the matrix; 0 when nothing was wrong."""
    options = _options()
    totals = {name: Total() for name in options.databases}
    for name, total in totals.items():
        with server(name) as new_database:
            seed = options.seed
            while total.kills.total() < options.kills:
                count = min(options.each, options.kills - total.kills.total())
                _one(name, new_database, seed, count, total)
                seed += 1
    print(*table(PLACES, totals), sep="\n")
    return 0 if all(each.is_sound for each in totals.values()) else 1


def _one(name: str, new_database: Server, seed: int, count: int, total: Total) -> None:
    again = f'make kills ARGS="--database {name} --kills {count} --seed {seed}"'
    print(f"{name} seed {seed}: {count} kills ({again})", flush=True)
    url, restart = new_database()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cloudpay-kills-", ignore_cleanup_errors=True) as folder:
        with open_run(Path(folder), seed, url, restart_database=restart) as run:
            run.kill(count, seconds=60 + count * 4.0)
            in_time = run.calm_down()
            verdict = run.verdict()
        figures = {
            "invoices": len(run.shoppers.orders),
            "payments": run.payers.count,
            "webhooks": len(run.stack.endpoints.bodies),
        }
        wrong = {
            "invoices unpaid": len(verdict.unpaid),
            "paid or told twice": len(verdict.paid_twice),
            "webhooks missing": len(verdict.webhooks_missing),
            "anything else wrong": len(verdict.other),
        }
        total.add(run.tally.kills, figures, wrong, in_time=in_time)
        _report(run, time.monotonic() - began)
        if verdict.faults or not in_time:
            print(f"WRONG (again: {again})", *verdict.faults[:20], sep="\n  ")
            print(log_tail(run.stack), flush=True)


def _report(run: Run, seconds: float) -> None:
    tally = run.tally
    refused = dict(Counter(each.partition(":")[0] for each in run.shoppers.refusals))
    print(
        f"  {told(tally.kills, seconds)}; {len(run.shoppers.orders)} invoices, "
        f"{run.payers.count} payments, {run.payers.reorgs} reorganisations, "
        f"{len(run.stack.endpoints.bodies)} webhooks in {run.stack.endpoints.calls} calls; Valkey flushed "
        f"{tally.flushes} and killed {tally.valkey_stops} times, the database restarted {tally.database_stops} times; "
        f"requests refused: {refused}",
        flush=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=250, help="kills on each database (default: 250)")
    parser.add_argument("--each", type=int, default=50, help="kills between two audits (default: 50)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return read_options(parser)


if __name__ == "__main__":
    sys.exit(main())
