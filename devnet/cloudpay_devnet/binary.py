"""Finding the anvil binary."""

import os
import platform
import shutil
from pathlib import Path

from cloudpay_devnet.errors import AnvilNotFound

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def _npm_path() -> Path:
    machine = platform.machine().lower()
    package = f"anvil-{platform.system().lower()}-{_ARCHITECTURES.get(machine, machine)}"
    return Path("tools/anvil/node_modules/@foundry-rs", package, "bin/anvil")


def _is_binary(path: Path) -> bool:
    """True for a program, false for a script: a killed npm wrapper would leave its node behind."""
    if not (path.is_file() and os.access(path, os.X_OK)):
        return False
    with path.open("rb") as file:
        return file.read(2) != b"#!"


def find_anvil() -> Path:
    """CLOUDPAY_ANVIL, else what `make setup` installed, else PATH; raises AnvilNotFound."""
    configured = os.environ.get("CLOUDPAY_ANVIL")
    repository = Path(__file__).resolve().parents[2]
    candidates = [Path(configured)] if configured else [repository / _npm_path(), Path.cwd() / _npm_path()]
    if not configured and (in_path := shutil.which("anvil")):
        candidates.append(Path(in_path))
    for candidate in candidates:
        if _is_binary(candidate):
            return candidate.resolve()
    raise AnvilNotFound(candidates)
