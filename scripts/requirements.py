"""Compile the hash-pinned requirement files from the pyprojects (`make requirements`).

The files hold for Linux and macOS on every supported Python, and name no index: where packages come
from is for the machine that installs them to say.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from console import CannotGoOn, say, stop
from project import REQUIREMENTS, Distribution, distributions, own_names, requirement_name
from uv import run_uv

HEADER = "# Made by `make requirements` from the pyproject files and requirements/*.in; edit those.\n"


def _write_input(path: Path, requirements: list[str]) -> None:
    own = own_names()
    foreign = [line for line in requirements if requirement_name(line) not in own]
    path.write_text("".join(f"{line}\n" for line in foreign), "utf-8")


def _write_inputs(work: Path, found: list[Distribution]) -> tuple[list[str], list[str]]:
    """Write one input file per distribution and group; return the run inputs and the dev inputs."""
    run, dev = ["build.in"], []
    for each in found:
        _write_input(work / f"{each.name}.in", list(each.dependencies))
        run.append(f"{each.name}.in")
        if "dev" in each.groups:
            _write_input(work / f"{each.name}-dev.in", list(each.groups["dev"]))
            dev.append(f"{each.name}-dev.in")
    return run, dev


def _compile(work: Path, output: str, inputs: list[str], *, upgrade: bool, under: list[str]) -> None:
    kept = REQUIREMENTS / output
    if kept.exists() and not upgrade:
        shutil.copy(kept, work / output)
    constraints = [word for name in under for word in ("--constraint", name)]
    run_uv(
        "compile", *inputs, *constraints, "--output-file", output, "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet", cwd=work,
    )  # fmt: skip
    (REQUIREMENTS / output).write_text(HEADER + (work / output).read_text("utf-8"), "utf-8")
    say(f"requirements/{output}")


def main(arguments: list[str]) -> None:
    """Compile all requirement files; `--upgrade` lets go of the versions they hold now."""
    upgrade = "--upgrade" in arguments
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for path in REQUIREMENTS.glob("*.in"):
            shutil.copy(path, work / path.name)
        run, dev = _write_inputs(work, distributions())
        _compile(work, "bootstrap.txt", ["bootstrap.in"], upgrade=upgrade, under=[])
        _compile(work, "node.txt", ["node.in"], upgrade=upgrade, under=[])
        _compile(work, "run.txt", run, upgrade=upgrade, under=["constraints.in"])
        _compile(work, "aws.txt", ["aws.in"], upgrade=upgrade, under=["constraints.in", "run.txt"])
        _compile(
            work, "dev.txt", [*run, *dev], upgrade=upgrade, under=["constraints.in", "run.txt", "aws.txt"]
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CannotGoOn as error:
        stop(error)
