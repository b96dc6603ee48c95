"""Where things are in this repository, and what each distribution declares."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "requirements"
TOOLS = {name: ROOT / "tools" / name for name in ("anvil", "contracts", "tronweb")}
"""Folders with a package.json: the local node, and for tests the Solidity compiler and a client of TRON."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """One installable folder: the core, a plugin, or the devnet."""

    name: str
    folder: Path
    dependencies: tuple[str, ...]
    extras: dict[str, tuple[str, ...]]
    groups: dict[str, tuple[str, ...]]
    packages: tuple[str, ...]

    @property
    def tests(self) -> Path:
        """The folder of this distribution's own tests."""
        return ROOT / "tests" if self.folder == ROOT else self.folder / "tests"


def requirement_name(requirement: str) -> str:
    """Return the normalised package name that a requirement line begins with."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def _read(folder: Path) -> Distribution:
    data: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    project = data["project"]
    return Distribution(
        name=project["name"],
        folder=folder,
        dependencies=tuple(project.get("dependencies", ())),
        extras={name: tuple(lines) for name, lines in project.get("optional-dependencies", {}).items()},
        groups={name: tuple(lines) for name, lines in data.get("dependency-groups", {}).items()},
        packages=tuple(data["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]),
    )


def distributions() -> list[Distribution]:
    """Return every distribution of this repository, the core first."""
    folders = [ROOT, *sorted((ROOT / "plugins").glob("*")), ROOT / "devnet"]
    return [_read(folder) for folder in folders if (folder / "pyproject.toml").is_file()]


def own_names() -> frozenset[str]:
    """Return the names that are never asked from a package index."""
    return frozenset(each.name for each in distributions())
