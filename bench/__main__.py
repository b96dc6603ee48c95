"""Run benchmarks: `make bench`, or `make bench ARGS="invoices"` for some of them."""

import sys

from bench.cases import CASES
from cloudpay.kernel import log


def main(names: list[str]) -> int:
    """Print the figures of the named cases, of all without a name."""
    unknown = [name for name in names if name not in CASES]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are: {', '.join(CASES)}.", file=sys.stderr)
        return 2
    log.configure(level="error", json=True)
    for name in names or CASES:
        for figure in CASES[name]():
            print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
