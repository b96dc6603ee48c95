"""Test the built wheels in clean environments (`make wheels-test`): the core alone, then each plugin alone.

What only works because the source tree lies beside it, or because another distribution brought a
package along, fails here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console import CannotGoOn, say, stop
from project import REQUIREMENTS, ROOT, VENV, Distribution, distributions, own_names, requirement_name
from scratch import scratch
from uv import run_uv

LINT_TOOLS = frozenset({"editables", "hatchling", "import-linter", "mypy", "ruff"})
DEVNET = "cloudpay-devnet"
TESTING = "testing"
"""The extra of what is not imported here; the modules of the others are."""

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        parts = module.name.split(".")
        if not {"migrations", "testing", "__main__"} & set(parts):
            importlib.import_module(module.name)
"""
"""Imports every module but Alembic's scripts, which run only under Alembic, and the helpers for pytest."""


@dataclass(frozen=True)
class Case:
    """One clean environment: the distribution under test, and what it stands on."""

    subject: Distribution
    needed: tuple[Distribution, ...]
    tests: Path


def _closure(subject: Distribution, by_name: dict[str, Distribution]) -> tuple[Distribution, ...]:
    """Return our own distributions that this one declares, and those that they declare."""
    direct = [by_name[name] for name in map(requirement_name, subject.dependencies) if name in by_name]
    return tuple(dict.fromkeys(each for first in direct for each in (*_closure(first, by_name), first)))


def _devnet(by_name: dict[str, Distribution], wheels: dict[str, Path]) -> list[Path]:
    """Return the wheels of the nodes that tests run against: no registry has those of ours that devnet stands on."""
    return [wheels[each.name] for each in (*_closure(by_name[DEVNET], by_name), by_name[DEVNET])]


def _cases(found: list[Distribution]) -> list[Case]:
    by_name = {each.name: each for each in found}
    cases = []
    for each in found:
        tests = ROOT / "tests" / "cloudpay" if each.folder == ROOT else each.tests
        if each.name != DEVNET and tests.is_dir():
            cases.append(Case(each, _closure(each, by_name), tests))
    return cases


def _build(found: list[Distribution], output: Path) -> dict[str, Path]:
    """Build one wheel per distribution; return them by name."""
    wheels = {}
    for each in found:
        target = output / each.name
        command = [
            str(VENV / "bin" / "python"),
            "-m",
            "hatchling",
            "build",
            "--target",
            "wheel",
            "--directory",
            str(target),
        ]
        done = subprocess.run(command, cwd=each.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotGoOn(f"{each.name} does not build:\n{done.stderr.strip()}")
        (wheels[each.name],) = target.glob("*.whl")
    return wheels


def _install(python: Path, what: Sequence[str | Path]) -> None:
    """Install at the pinned versions, and only what is asked for or declared."""
    run_uv(
        "install",
        "--quiet",
        "--only-binary",
        ":all:",
        "--constraint",
        REQUIREMENTS / "dev.txt",
        *what,
        python=python,
    )


def _environment(folder: Path) -> Path:
    subprocess.run([str(VENV / "bin" / "python"), "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


def _run(python: Path, cwd: Path, *arguments: str) -> int:
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    env["TMPDIR"] = str(cwd)
    env["PATH"] = os.pathsep.join([str(python.parent), env.get("PATH", os.defpath)])
    anvil = next((ROOT / "tools" / "anvil" / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"), None)
    if anvil is not None:
        env["CLOUDPAY_ANVIL"] = str(anvil)
    return subprocess.run([str(python), *arguments], cwd=cwd, env=env, check=False).returncode


def _copy_tests(case: Case, folder: Path) -> Path:
    """Copy the tests away from the source tree, under the folder name that they have there."""
    inside = case.tests.relative_to(case.subject.folder)
    for source in case.tests.parents:
        if source == case.subject.folder:
            break
        conftest = source / "conftest.py"
        if conftest.is_file():
            target = folder / source.relative_to(case.subject.folder)
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(conftest, target)
    shutil.copytree(case.tests, folder / inside, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", folder)
    return inside


def _test(case: Case, wheels: dict[str, Path], tools: Sequence[str | Path], work: Path) -> int:
    name = case.subject.name
    python = _environment(work / f"env-{name}")
    extras = (line for name, lines in case.subject.extras.items() if name != TESTING for line in lines)
    _install(python, [*(wheels[each.name] for each in (*case.needed, case.subject)), *extras])
    if _run(python, work, "-c", IMPORT_ALL, *case.subject.packages):
        raise CannotGoOn(f"{name}: a module imports something that its distribution does not declare")
    say(f"{name}: every module imports from wheels")
    _install(python, tools)
    folder = work / f"tests-{name}"
    folder.mkdir()
    inside = _copy_tests(case, folder)
    workers = str(min(os.cpu_count() or 1, 4))
    options = ("-c", "setup.cfg", "--rootdir", ".", "-q", "-n", workers, "--dist", "loadfile")
    return _run(python, folder, "-m", "pytest", *options, str(inside))


def main(only: Sequence[str]) -> int:
    """Build all wheels and test them; names on the command line choose among the distributions."""
    found = distributions()
    development = found[0].groups["dev"]
    tools = [line for line in development if requirement_name(line) not in LINT_TOOLS | own_names()]
    failed = []
    with scratch("wheels") as work:
        wheels = _build(found, work / "wheels")
        say(f"built {', '.join(path.name for path in wheels.values())}")
        devnet = _devnet({each.name: each for each in found}, wheels)
        for case in _cases(found):
            if not only or case.subject.name in only:
                say(f"{case.subject.name}: tests from its wheel")
                if _test(case, wheels, [*tools, *(devnet if case.needed else ())], work):
                    failed.append(case.subject.name)
    say(f"failed: {', '.join(failed)}" if failed else "every wheel passed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotGoOn as error:
        stop(error)
