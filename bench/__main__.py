"""`python -m bench [NAME …] [--list] [--quick]`."""

import argparse
import sys
from importlib import import_module

from bench.names import BENCHMARKS
from bench.report import Scale, machine, show
from bench.servers import Unavailable


def main() -> int:
    """Run the named benchmarks, or all, one after the other; 1 when one could not be run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run; without any, all")
    parser.add_argument("--list", action="store_true", help="name every benchmark and what it measures")
    parser.add_argument("--quick", action="store_true", help="a few seconds each, for a first impression")
    arguments = parser.parse_args()
    if arguments.list:
        width = max(map(len, BENCHMARKS))
        print("\n".join(f"{name:{width}}  {entry.what}" for name, entry in BENCHMARKS.items()))
        return 0
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; --list names them")
    return _run(arguments.names or list(BENCHMARKS), Scale(arguments.quick))


def _run(names: list[str], scale: Scale) -> int:
    left_out = 0
    for name in names:
        entry, before = BENCHMARKS[name], machine()
        try:
            figures = getattr(import_module(entry.module), entry.function)(scale)
        except Unavailable as reason:
            print(f"{name}\n  not measured: {reason}\n", flush=True)
            left_out += 1
            continue
        show(name, figures, quick=scale.quick, before=before)
    return 1 if left_out else 0


if __name__ == "__main__":
    sys.exit(main())
