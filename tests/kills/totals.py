"""What all runs on each database came to, as a table; and the servers that they run on."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.databases import postgres

DATABASES = ("sqlite", "postgres")
Server = Callable[[], tuple[str, Callable[[], None] | None]]
"""Answers the URL of an empty database, and what restarts its server."""

Kills = Counter[tuple[str, Failpoint]]


@dataclass
class Total:
    """Kills by process and place; figures, and among them those that must be 0, by what they count."""

    kills: Kills = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    late: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing was wrong, and every run came to its end in time."""
        return not self.late and not any(self.wrong.values())

    def add(
        self, kills: Kills, figures: Mapping[str, int], wrong: Mapping[str, int], *, in_time: bool
    ) -> None:
        """Add a run; a figure of 0 keeps its row."""
        self.kills += kills
        for count, more in ((self.figures, figures), (self.wrong, wrong)):
            for name, number in more.items():
                count[name] += number
        self.late += not in_time


def table(places: Mapping[str, Sequence[Failpoint]], totals: Mapping[str, Total]) -> Iterator[str]:
    """Answer the lines of a table: kills by process and place, then all figures."""
    columns = [*totals.values()]
    yield f"\n{'killed at':<34}" + "".join(f"{name:>10}" for name in totals)
    for role, each in places.items():
        for place in each:
            yield _row(f"{role}: {place}", [total.kills[role, place] for total in columns])
    yield _row("kills", [total.kills.total() for total in columns])
    for name in columns[0].figures:
        yield _row(name, [total.figures[name] for total in columns])
    for name in columns[0].wrong:
        yield _row(name, [total.wrong[name] for total in columns])


def _row(name: str, numbers: Sequence[int]) -> str:
    return f"{name:<34}" + "".join(f"{number:>10}" for number in numbers)


@contextmanager
def server(name: str) -> Iterator[Server]:
    """Run the server of a database for all of its runs."""
    if name == "sqlite":
        yield lambda: ("", None)
        return
    with postgres() as (new_database, restart):
        yield lambda: (new_database(), restart)


def read_options(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line, which may name the databases."""
    parser.add_argument(
        "--database", default=",".join(DATABASES), help="sqlite, postgres, or both by a comma"
    )
    options = parser.parse_args()
    options.databases = options.database.split(",")
    unknown = set(options.databases) - set(DATABASES)
    if unknown:
        parser.error(f"there is no database {', '.join(sorted(unknown))}; choose of {', '.join(DATABASES)}")
    return options


def told(tally_kills: Kills, seconds: float) -> str:
    """Say how fast it went."""
    return f"{tally_kills.total()} kills in {seconds:.0f} s"
