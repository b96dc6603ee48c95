"""`make kills-out`: the matrix of kills while money goes out: at every failpoint, seed by seed, on each database.

A seed that fails prints the command to repeat it:
python -m tests.kills_out --family tron --seed 7 --seeds 1 --database postgres
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.kills.stack import log_tail
from tests.kills.totals import Server, Total, read_options, server, table, told
from tests.kills_out.beside import run_beside
from tests.kills_out.defects import WHERE, places_of
from tests.kills_out.families import EVM, FAMILIES, Family
from tests.kills_out.matrix import Run, open_run
from tests.kills_out.page import written

_KILLS_OF_A_DEFECT = 6


def main() -> int:
    """Run the matrix; 0 when nothing was wrong, and a process was killed at every place in every run."""
    options = _options()
    family = FAMILIES[options.family]
    if options.defects:
        return 0 if [each for each in WHERE if not _is_found(each, options.seed, family)] == [] else 1
    totals = run_beside(options, _tell) if options.jobs > 1 else _one_by_one(options)
    print(*table(family.places, totals), sep="\n")
    if options.json:
        Path(options.json).write_text(json.dumps(written(totals, options), indent=1) + "\n", encoding="utf-8")
    return 0 if all(each.is_sound for each in totals.values()) else 1


def _tell(said: str) -> None:
    print(said, flush=True)


def _one_by_one(options: argparse.Namespace) -> Mapping[str, Total]:
    totals = {name: Total() for name in options.databases}
    for name, total in totals.items():
        with server(name) as new_database:
            for seed in range(options.seed, options.seed + options.seeds):
                _one(name, new_database, seed, options, total)
    return totals


def _one(name: str, new_database: Server, seed: int, options: argparse.Namespace, total: Total) -> None:
    family = FAMILIES[options.family]
    again = f'make kills-out ARGS="--family {family.name} --database {name} --seed {seed} --seeds 1"'
    print(f"{name} seed {seed} ({again})", flush=True)
    url, restart = new_database()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cloudpay-kills-", ignore_cleanup_errors=True) as folder:
        with open_run(Path(folder), seed, url, family=family, restart_database=restart) as run:
            run.kill(None, seconds=options.seconds, everywhere=True)
            in_time = run.calm_down()
            verdict = run.verdict()
        figures = {
            "runs": 1,
            "payouts": len(run.merchants.items),
            "batches": len(run.merchants.batches),
            "paid invoices": len(run.buyers.orders),
            "node faults": run.faults.count,
            "dropped from the mempool": run.banker.drops,
            "reorganisations": run.banker.reorgs,
            "times that what waited expired": run.banker.expiries,
            "sent with the key from outside": len(run.banker.outside.ids),
            "places left out": len(run.choice.left_out),
        }
        wrong = {
            "lost": len(verdict.lost),
            "double": len(verdict.double),
            "webhooks missing or wrong": len(verdict.webhooks),
            "anything else wrong": len(verdict.other),
        }
        total.add(run.tally.kills, figures, wrong, in_time=in_time)
        _report(run, time.monotonic() - began)
        if verdict.faults or not in_time:
            print(f"WRONG (again: {again})", *verdict.faults[:20], sep="\n  ")
            print(log_tail(run.stack), flush=True)


def _is_found(defect: str, seed: int, family: Family) -> bool:
    """Run with a planted defect; say whether the audit finds it."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="cloudpay-kills-", ignore_cleanup_errors=True) as folder,
        open_run(Path(folder), seed, family=family, places=places_of(defect), defect=defect) as run,
    ):
        run.kill(_KILLS_OF_A_DEFECT, seconds=60)
        run.calm_down(seconds=20)
        faults = run.verdict().faults
    first = faults[0] if faults else "NOT FOUND"
    print(f"{defect}, in {time.monotonic() - began:.0f} s: {len(faults)} faults; {first}", flush=True)
    return bool(faults)


def _report(run: Run, seconds: float) -> None:
    refused = dict(Counter(each.partition(":")[0] for each in run.merchants.refusals))
    left_out = ", ".join(f"{role}: {place}" for role, place in run.choice.left_out)
    print(
        f"  {told(run.tally.kills, seconds)}; {len(run.merchants.items)} payouts, {run.faults.count} node faults, "
        f"{run.banker.drops} drops, {run.banker.reorgs} reorganisations, "
        f"{run.banker.expiries} expiries, {len(run.banker.outside.ids)} thefts; "
        f"requests refused: {refused}" + (f"; left out: {left_out}" if left_out else ""),
        flush=True,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make kills-out", description=__doc__)
    parser.add_argument(
        "--family", choices=[*FAMILIES], default=EVM.name, help=f"the chain's family (default: {EVM.name})"
    )
    parser.add_argument("--seeds", type=int, default=20, help="runs on each database (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="the first one's seed (default: 1)")
    parser.add_argument(
        "--seconds", type=float, default=240, help="that a run may take to kill at every place (default: 240)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument(
        "--json", help="a file for the figures, which `python -m tests.kills_out.page` takes in"
    )
    parser.add_argument(
        "--defects", action="store_true", help="plant one defect after the other, each of which must be found"
    )
    return read_options(parser)


if __name__ == "__main__":
    sys.exit(main())
