"""Debian packages that only tests need: installed by CI, named to everybody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console import CannotGoOn, say, stop


@dataclass(frozen=True)
class Component:
    """A program of the system, and the Debian package that brings it."""

    name: str
    package: str
    programs: tuple[str, ...]

    def path(self) -> str | None:
        """Return where the program is, or None where it is not installed."""
        return next(filter(None, map(shutil.which, self.programs)), None) or self._of_debian_postgres()

    def _of_debian_postgres(self) -> str | None:
        """Debian keeps the server's programs off PATH, in one folder per version."""
        versions = Path("/usr/lib/postgresql").glob(f"*/bin/{self.programs[0]}")
        newest = sorted(versions, key=lambda path: float(path.parts[-3]), reverse=True)
        return str(newest[0]) if newest else None


POSTGRES = Component("PostgreSQL", "postgresql", ("initdb",))
PHP = Component("PHP", "php-cli", ("php",))
CHROMIUM = Component("Chromium", "chromium", ("chromium", "chromium-browser", "google-chrome"))
COMPONENTS = {each.package: each for each in (POSTGRES, PHP, CHROMIUM)}


def in_ci() -> bool:
    """Say whether this is a CI run, where nothing may be left out."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def how_to_install(component: Component) -> str:
    """Return the sentence that tells a person how to get a component."""
    return f"{component.name} is not installed (Debian and Ubuntu: sudo apt install {component.package})"


def _apt(*arguments: str) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3", *arguments]
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotGoOn(f"`{' '.join(command)}` failed:\n{done.stdout[-2000:].strip()}")


def install(wanted: Sequence[Component]) -> None:
    """Install what is missing with apt; raise `CannotGoOn` where that is not possible."""
    missing = [each for each in wanted if each.path() is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotGoOn("; ".join(map(how_to_install, missing)))
    say(f"apt-get install {' '.join(each.package for each in missing)}")
    _apt("update")
    _apt("install", "-y", "--no-install-recommends", *(each.package for each in missing))
    absent = [each for each in missing if each.path() is None]
    if absent:
        raise CannotGoOn(
            "; ".join(f"apt installed {each.package}, yet {each.programs[0]} is nowhere" for each in absent)
        )


if __name__ == "__main__":
    try:
        install([COMPONENTS[name] for name in sys.argv[1:]])
    except CannotGoOn as error:
        stop(error)
