"""How uv is run: the pinned one, without this machine's configuration files."""

from __future__ import annotations

import os
import ssl
import subprocess
from pathlib import Path

from console import CannotGoOn
from project import ROOT, VENV


def uv_path() -> Path:
    """Return the uv of the project's virtual environment."""
    return VENV / "bin" / "uv"


def uv_environment() -> dict[str, str]:
    """Return the environment for uv: certificates of the system, where the system has any."""
    env = dict(os.environ)
    env.pop("VIRTUAL_ENV", None)
    paths = ssl.get_default_verify_paths()
    if "SSL_CERT_FILE" not in env and (paths.cafile or paths.capath):
        env.setdefault("UV_SYSTEM_CERTS", "1")
    return env


def run_uv(*arguments: str | Path, cwd: Path = ROOT, python: Path | None = None) -> None:
    """Run `uv pip …`, quietly unless it fails; raise `CannotGoOn` with what it said."""
    command = [str(uv_path()), "--no-config", "pip", *map(str, arguments)]
    if python is not None:
        command += ["--python", str(python)]
    done = subprocess.run(
        command,
        cwd=cwd,
        env=uv_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shown = " ".join(["uv", *command[1:]])
        raise CannotGoOn(f"`{shown}` failed:\n{(done.stderr or done.stdout).strip()}")
