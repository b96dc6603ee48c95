"""Every check that runs no test (`make lint`): style, layout, types, imports, the tree itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from console import say
from project import ROOT, VENV, Distribution, distributions


def _sources(each: Distribution) -> list[str]:
    return [str((each.folder / package).relative_to(ROOT)) for package in each.packages]


def _checks() -> list[tuple[str, list[str]]]:
    tool = VENV / "bin"
    found = distributions()
    sources = [path for each in found for path in _sources(each)]
    # Test folders share file names, so each is typed in a run of its own.
    tests = [each.tests.relative_to(ROOT) for each in found if each.tests.is_dir()]
    return [
        ("ruff check", [str(tool / "ruff"), "check", "--quiet", "."]),
        ("ruff format", [str(tool / "ruff"), "format", "--check", "--quiet", "."]),
        ("mypy", [str(tool / "mypy"), *sources, "scripts", "bench"]),
        *((f"mypy {folder}", [str(tool / "mypy"), str(folder)]) for folder in tests),
        ("import-linter", [str(tool / "lint-imports"), "--no-logo", "--config", "setup.cfg"]),
        ("the tree", [sys.executable, str(Path("scripts") / "check_tree.py")]),
    ]


def main() -> int:
    """Run all checks, also after one failed; return 1 when any did."""
    failed = []
    for name, command in _checks():
        say(name)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(name)
            print((done.stdout + done.stderr).strip(), flush=True)
    say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
