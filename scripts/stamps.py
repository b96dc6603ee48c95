"""How the set-up knows that nothing has changed since it last ran."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable
from pathlib import Path

from project import ANVIL, REQUIREMENTS, ROOT, VENV, distributions

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


def anvil_digest() -> str:
    """Return what the anvil folder is made from, as one hash."""
    return _digest(sorted(ANVIL.glob("package*.json")), platform.system(), platform.machine())


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def _packages_stamp(level: str) -> Path:
    return VENV / f".cloudpay-{level}"


def _anvil_stamp() -> Path:
    return ANVIL / "node_modules" / ".cloudpay"


def packages_are_current(level: str) -> bool:
    """Say whether the environment already holds what this level needs."""
    return _read(_packages_stamp(level)) == packages_digest(level)


def anvil_is_current() -> bool:
    """Say whether anvil is installed as the lock file says."""
    return _read(_anvil_stamp()) == anvil_digest()


def forget_packages() -> None:
    """Drop the stamps before a change, so that an interrupted one is noticed."""
    for level in LEVELS:
        _packages_stamp(level).unlink(missing_ok=True)


def stamp_packages(level: str) -> None:
    """Record a finished installation; the dev level holds all of the run level."""
    for held in LEVELS[: LEVELS.index(level) + 1]:
        _packages_stamp(held).write_text(packages_digest(held), "utf-8")


def stamp_anvil() -> None:
    """Record that anvil is installed."""
    _anvil_stamp().write_text(anvil_digest(), "utf-8")
