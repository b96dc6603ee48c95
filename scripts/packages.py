"""The virtual environment and the Python packages in it."""

from __future__ import annotations

import configparser
import platform
import subprocess
import sys

import stamps
from console import CannotGoOn, say
from project import REQUIREMENTS, VENV, distributions
from uv import run_uv, uv_path

OLDEST_PIP = 23
"""The first pip whose `--python` fills another environment reliably."""


def _environment_fits() -> bool:
    """Say whether .venv is whole, was made at this very path, and has the running Python's version."""
    config = VENV / "pyvenv.cfg"
    if not config.is_file() or not uv_path().is_file():
        return False
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string("[venv]\n" + config.read_text("utf-8"))
    made_here = parser.get("venv", "command", fallback="").endswith(str(VENV))
    version = parser.get("venv", "version", fallback="")
    return made_here and version.split(".")[:2] == platform.python_version().split(".")[:2]


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotGoOn(f"`{' '.join(command)}` failed:\n{(done.stderr or done.stdout).strip()}")


def _pip(base: str) -> list[str]:
    """Return the pip to fill .venv with: the base Python's own where it can, which saves unpacking another."""
    probe = [base, "-c", "import pip; print(pip.__version__)"]
    done = subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    major = done.stdout.partition(".")[0]
    python = str(VENV / "bin" / "python")
    if major.isdigit() and int(major) >= OLDEST_PIP:
        return [base, "-m", "pip", "--python", python]
    _run(python, "-m", "ensurepip")
    return [python, "-m", "pip"]


def make_environment() -> None:
    """Make .venv with the pinned uv in it, unless it is there already."""
    if _environment_fits():
        return
    # When .venv's own Python runs this, a new environment must come from the one below it.
    base = getattr(sys, "_base_executable", sys.executable)
    _run(base, "-m", "venv", "--clear", "--without-pip", str(VENV))
    say(f".venv with Python {platform.python_version()}")
    _run(
        *_pip(base), "install", "--quiet", "--disable-pip-version-check",
        "--require-hashes", "--only-binary", ":all:", "--requirement", str(REQUIREMENTS / "bootstrap.txt"),
    )  # fmt: skip
    say("the installer (uv)")


def _own_sources() -> list[str]:
    return [str(each.folder / package) for each in distributions() for package in each.packages]


def install_packages(level: str) -> None:
    """Install the pinned packages of a level, then our own distributions as editable ones."""
    if stamps.packages_are_current(level):
        return
    stamps.forget_packages()
    python = VENV / "bin" / "python"
    requirements = REQUIREMENTS / f"{level}.txt"
    # Wheels only: a package that has none for this machine is named at once, instead of calling for a compiler.
    # Compiled now, on all cores: a dozen processes start at once later, and each would compile for itself.
    run_uv(
        "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "--compile-bytecode",
        "--requirement", requirements, python=python,
    )  # fmt: skip
    say(f"Python packages ({requirements.name})")
    editables = [word for each in distributions() for word in ("--editable", str(each.folder))]
    run_uv("install", "--quiet", "--no-deps", "--no-build-isolation", *editables, python=python)
    # Where Python may not write bytecode while it runs, our own would be compiled by every process of every start.
    _run(str(python), "-m", "compileall", "-q", "-j", "0", *_own_sources())
    stamps.stamp_packages(level)
    say(", ".join(each.name for each in distributions()))
