"""`python -m bench [NAME …] [--list] [--quick] [--json FILE]`."""

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path

from bench.names import BENCHMARKS
from bench.report import Report, Scale, load
from bench.servers import Unavailable


def main() -> int:
    """Run the named benchmarks, or all, one after the other; 1 when one could not be run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run; without any, all")
    parser.add_argument("--list", action="store_true", help="name every benchmark and what it measures")
    parser.add_argument("--quick", action="store_true", help="a few seconds each, for a first impression")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures into a file too")
    arguments = parser.parse_args()
    if arguments.list:
        width = max(map(len, BENCHMARKS))
        print("\n".join(f"{name:{width}}  {entry.what}" for name, entry in BENCHMARKS.items()))
        return 0
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; --list names them")
    reports = _run(names := arguments.names or list(BENCHMARKS), Scale(arguments.quick))
    if arguments.json:
        arguments.json.write_text(
            json.dumps([each.fields() for each in reports], indent=2) + "\n", encoding="utf-8"
        )
    return 0 if len(reports) == len(names) else 1


def _run(names: list[str], scale: Scale) -> list[Report]:
    """Run and show one after the other; what cannot run here says so and is left out."""
    reports = []
    for name in names:
        entry, before = BENCHMARKS[name], load()
        try:
            figures = getattr(import_module(entry.module), entry.function)(scale)
        except Unavailable as reason:
            print(f"{name}\n  not measured: {reason}\n", flush=True)
            continue
        reports.append(Report(name, tuple(figures), scale.quick, before, load()))
        reports[-1].show()
    return reports


if __name__ == "__main__":
    sys.exit(main())
