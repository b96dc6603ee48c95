"""`make properties`: the state machine of money out for thousands of steps, seed by seed.

python -m tests.properties --steps 10000; a failure prints the seed, and the command that repeats it
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.properties.running import run_machine

_MEMORY = Path("/dev/shm")  # a database in memory: nothing here is to survive


def main() -> int:
    """Run until there were so many steps; a broken rule ends it with its shortest way."""
    options = _options()
    done, seed, began = 0, options.seed, time.monotonic()
    goal = 1 if options.examples else options.steps
    folder = _MEMORY if _MEMORY.is_dir() else None
    while done < goal:
        with tempfile.TemporaryDirectory(prefix="cloudpay-properties-", dir=folder) as place:
            done += run_machine(Path(place), seed, examples=options.examples or 20, steps=options.each)
        print(f"seed {seed}: {done} steps in {time.monotonic() - began:.0f} s", flush=True)
        seed += 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make properties", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000, help="steps in all (default: 10000)")
    parser.add_argument("--each", type=int, default=60, help="steps of one example at most (default: 60)")
    parser.add_argument("--examples", type=int, default=0, help="examples of one seed alone, to repeat it")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
