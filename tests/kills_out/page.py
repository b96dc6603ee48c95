"""The tables of crash-matrix.md, from files: `python -m tests.kills_out.page FILE…` takes in what `--json` wrote.

Runs of several files are added up; the table of a family of which there is no file stays as it is.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.kills.totals import Total
from tests.kills_out.families import FAMILIES, Family

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "crash-matrix.md"


def written(totals: Mapping[str, Total], options: argparse.Namespace) -> dict[str, Any]:
    """Answer what all runs came to as JSON."""
    return {
        "family": options.family,
        "seeds": f"{options.seed}"
        if options.seeds == 1
        else f"{options.seed} to {options.seed + options.seeds - 1}",
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "databases": {
            name: {
                "kills": {f"{role}: {place}": number for (role, place), number in total.kills.items()},
                "figures": dict(total.figures),
                "wrong": dict(total.wrong),
                "late": total.late,
            }
            for name, total in totals.items()
        },
    }


def section(text: str, family: Family) -> tuple[str, str, str]:
    """Answer what stands before a family's table, the table, and what stands behind it."""
    begin, end = f"<!-- figures: {family.name} -->\n", "<!-- end of figures -->\n"
    before, _, rest = text.partition(begin)
    table, _, behind = rest.partition(end)
    return before + begin, table, end + behind


def main(files: Sequence[str]) -> None:
    """Write the tables anew from these files."""
    reports = [json.loads(Path(file).read_text(encoding="utf-8")) for file in files]
    for family in FAMILIES.values():
        of_family = [each for each in reports if each["family"] == family.name]
        if of_family:
            before, _, behind = section(PAGE.read_text(encoding="utf-8"), family)
            PAGE.write_text(before + _table(family, of_family) + behind, encoding="utf-8")


def _table(family: Family, reports: Sequence[Mapping[str, Any]]) -> str:
    databases: dict[str, dict[str, Any]] = {}
    for report in reports:
        for name, each in report["databases"].items():
            databases[name] = _added(databases.get(name, {}), each)
    seeds = ", ".join(dict.fromkeys(str(report["seeds"]) for report in reports))
    machines = "; and on ".join(dict.fromkeys(str(report["machine"]) for report in reports))
    return "\n".join([*_rows(family, databases), "", f"Seeds {seeds}, on {machines}.", ""])


def _added(sums: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        part: {
            name: sums.get(part, {}).get(name, 0) + more[part].get(name, 0)
            for name in (sums.get(part, {}) | more[part])
        }
        for part in ("kills", "figures", "wrong")
    }


def _rows(family: Family, databases: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield f"| killed at | process | {' | '.join(databases)} |"
    yield f"|---|---|{'---|' * len(databases)}"
    for role, places in family.places.items():
        for place in places:
            yield _row(
                f"`{place}` | {role}",
                [each["kills"].get(f"{role}: {place}", 0) for each in databases.values()],
            )
    yield _row("**kills** | all", [sum(each["kills"].values()) for each in databases.values()])
    for part in ("figures", "wrong"):
        for name in next(iter(databases.values()))[part]:
            shown = f"**{name}**" if part == "wrong" else name
            yield _row(f"{shown} |", [each[part].get(name, 0) for each in databases.values()])


def _row(name: str, numbers: Sequence[int]) -> str:
    return f"| {name} | {' | '.join(map(str, numbers))} |"


if __name__ == "__main__":
    main(sys.argv[1:])
