"""The table of figures in docs/explanation/performance.md: `python -m bench.page FILE…` takes in what `--json` wrote.

Figures of benchmarks that are not in the files stay as they are, so that a single one can be measured anew.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.names import BENCHMARKS
from bench.report import Figure

_FOLDER = Path(__file__).resolve().parent.parent / "docs" / "explanation"
_STORE, _PAGE = _FOLDER / "performance.json", _FOLDER / "performance.md"
_BEGIN, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"

Reports = Mapping[str, Mapping[str, Any]]


def main(files: Sequence[str]) -> None:
    """Take the figures of these files in, and write the table anew."""
    kept = json.loads(_STORE.read_text(encoding="utf-8")) if _STORE.exists() else {}
    for file in files:
        kept |= {report["name"]: report for report in json.loads(Path(file).read_text(encoding="utf-8"))}
    ordered = {name: kept[name] for name in BENCHMARKS if name in kept}
    _STORE.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    before, _, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _PAGE.write_text(f"{before}{_BEGIN}{table(ordered)}{_END}{rest.partition(_END)[2]}", encoding="utf-8")


def table(reports: Reports) -> str:
    """Write the figures, and beside each what it depends on; details without a goal stay with the command."""
    lines = ["| what | figure | goal | load before, after | again |", "|---|---|---|---|---|"]
    lines += [line for report in reports.values() for line in _rows(report)]
    machines = sorted({str(report["machine"]) for report in reports.values()})
    return "\n".join(lines) + "\n\nMeasured on " + "; and on ".join(machines) + ".\n"


def _rows(report: Mapping[str, Any]) -> Iterator[str]:
    load = f"{report['load_before']:.1f}, {report['load_after']:.1f}"
    command = f"`{report['command']}`"
    for fields in report["figures"]:
        figure = Figure(**{name: value for name, value in fields.items() if name != "ratio"})
        detail = figure.what.startswith("  ") and "processor time" not in figure.what
        if detail and figure.ratio is None:
            continue
        how = f" ({figure.how})" if figure.how else ""
        told = f"**{figure.amount}**" if figure.ratio is not None else figure.amount
        yield f"| {figure.what.strip()}{how} | {told} | {figure.bound} | {load} | {command} |"
        load = command = "″"


if __name__ == "__main__":
    main(sys.argv[1:])
