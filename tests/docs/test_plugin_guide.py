"""The plugin that the guide builds is built, installed and passes the suite, as it stands in the document."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from cloudpay.testing.conformance import ChainConformance

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "write-a-chain-plugin.md"
FILES = {
    "plugin-pyproject": "pyproject.toml",
    "plugin-addresses": "cloudpay_examplechain/addresses.py",
    "plugin-hook": "cloudpay_examplechain/plugin.py",
    "plugin-adapter": "cloudpay_examplechain/adapter.py",
    "plugin-conformance": "tests/test_conformance.py",
}
_START = """
import sys, tomllib
from cloudpay.chains.registry import load_chains
table = tomllib.loads(sys.stdin.read())
chains = load_chains(table["networks"], table["default_network"])
network = chains.network("examplechain")
assert "cloudpay_examplechain.adapter" not in sys.modules
chains.adapter("examplechain").verify()
print(network.name, network.settings.confirmations, *(asset.symbol for asset in network.assets))
"""


def example(name: str) -> str:
    """The fenced block below the comment that names it."""
    block = PAGE.read_text(encoding="utf-8").partition(f"<!-- example: {name} -->\n```")[2]
    assert block, f"the guide has no example {name}"
    return block.partition("\n")[2].partition("\n```\n")[0] + "\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's distribution, written out and built; `installed` holds what its wheel installs."""
    project = tmp_path_factory.mktemp("cloudpay-examplechain")
    for name, path in FILES.items():
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(example(name), encoding="utf-8")
    (project / "cloudpay_examplechain" / "__init__.py").touch()
    _run(project, "-m", "hatchling", "build", "-t", "wheel", "-d", "built")
    (wheel,) = (project / "built").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(project / "installed")
    return project


def test_the_guides_plugin_passes_the_conformance_suite(project: Path) -> None:
    report = _run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", "--import-mode=importlib")
    checks = [name for name in dir(ChainConformance) if name.startswith("test_")]
    assert "failed" not in report
    skipped = 3  # no mempool, one output for each transaction, no second reading
    assert f"{len(checks) - skipped} passed, {skipped} skipped" in report, report


def test_the_guides_settings_serve_its_network(project: Path) -> None:
    told = _run(project, "-c", _START, given=example("plugin-settings"))
    assert told.split() == ["Example", "chain", "10", "EX", "USDT"]


def test_the_guide_names_checks_that_there_are() -> None:
    words = {word.strip("`,|") for word in PAGE.read_text(encoding="utf-8").split()}
    named = {word for word in words if word.startswith("test_") and not word.endswith(".py")}
    assert len(named) >= 12
    assert named <= set(dir(ChainConformance))


def test_the_guides_entry_point_is_of_the_group_that_the_registry_reads() -> None:
    points = tomllib.loads(example("plugin-pyproject"))["project"]["entry-points"]
    assert points == {"cloudpay.chains": {"examplechain": "cloudpay_examplechain.plugin"}}


def _run(project: Path, *arguments: str, given: str = "") -> str:
    environment = {**os.environ, "PYTHONPATH": f"{project / 'installed'}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
