"""How the set-up knows that nothing has changed since it last ran."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from pathlib import Path

from project import REQUIREMENTS, ROOT, TOOLS, VENV, distributions

LEVELS = ("run", "dev")


def _digest(paths: Iterable[Path], *words: str) -> str:
    total = hashlib.sha256("\0".join(words).encode())
    for path in paths:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def packages_digest(level: str) -> str:
    """Return what the virtual environment at this level is made from, as one hash."""
    pyprojects = [each.folder / "pyproject.toml" for each in distributions()]
    inputs = [REQUIREMENTS / "bootstrap.txt", REQUIREMENTS / f"{level}.txt", *pyprojects]
    return _digest(inputs, str(ROOT), platform.python_version(), *(str(path) for path in pyprojects))


def tools_of(level: str) -> tuple[str, ...]:
    """Return the npm tools that a level needs."""
    return tuple(TOOLS) if level == "dev" else ("anvil",)


def _tool_digest(name: str) -> str:
    return _digest(sorted(TOOLS[name].glob("package*.json")), platform.system(), platform.machine())


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def _packages_stamp(level: str) -> Path:
    return VENV / f".cloudpay-{level}"


def _tool_stamp(name: str) -> Path:
    return TOOLS[name] / "node_modules" / ".cloudpay"


def packages_are_current(level: str) -> bool:
    """Say whether the environment already holds what this level needs."""
    return _read(_packages_stamp(level)) == packages_digest(level)


def tool_is_current(name: str) -> bool:
    """Say whether an npm tool is installed as its lock file says."""
    return _read(_tool_stamp(name)) == _tool_digest(name)


def forget_packages() -> None:
    """Drop the stamps before a change, so that an interrupted one is noticed."""
    for level in LEVELS:
        _packages_stamp(level).unlink(missing_ok=True)


def stamp_packages(level: str) -> None:
    """Record a finished installation; the dev level holds all of the run level."""
    for held in LEVELS[: LEVELS.index(level) + 1]:
        _packages_stamp(held).write_text(packages_digest(held), "utf-8")


def stamp_tool(name: str) -> None:
    """Record that an npm tool is installed."""
    _tool_stamp(name).write_text(_tool_digest(name), "utf-8")
