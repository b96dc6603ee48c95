"""docs/explanation/dependencies.md names what the pyprojects declare, and nothing else."""

import re
import tomllib
from pathlib import Path

from tests.docs.pages import DOCS, ROOT, read, section, table, ticked

PAGE = DOCS / "explanation" / "dependencies.md"
_OWN = re.compile(r"cloudpay(-[a-z]+)?")


def _name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return found.group().lower()


def _declared(path: Path) -> set[str]:
    project = tomllib.loads(path.read_text(encoding="utf-8"))
    lists = [project["project"].get("dependencies", []), project["build-system"]["requires"]]
    lists += project["project"].get("optional-dependencies", {}).values()
    lists += project.get("dependency-groups", {}).values()
    return {_name(each) for found in lists for each in found}


def _foreign(names: set[str]) -> set[str]:
    return {name for name in names if not _OWN.fullmatch(name)}


def test_every_dependency_is_named_and_every_named_one_is_declared() -> None:
    projects = [
        ROOT / "pyproject.toml",
        *ROOT.glob("plugins/*/pyproject.toml"),
        ROOT / "devnet/pyproject.toml",
    ]
    declared = _foreign(set().union(*(_declared(each) for each in projects)))
    named = {name for row in table(read(PAGE)) for name in ticked(row[0])}
    assert named == declared


def test_the_core_and_the_plugins_have_their_own_tables() -> None:
    core = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    named = {name for row in table(section(PAGE, "The core")) for name in ticked(row[0])}
    assert named == {_name(each) for each in core}
    plugins = [
        tomllib.loads(each.read_text(encoding="utf-8")) for each in ROOT.glob("plugins/*/pyproject.toml")
    ]
    wanted = _foreign({_name(each) for plugin in plugins for each in plugin["project"]["dependencies"]})
    named = {name for row in table(section(PAGE, "The chain plugins")) for name in ticked(row[0])}
    assert named == wanted


def test_every_dependency_has_its_reason() -> None:
    for name, purpose, reason in table(read(PAGE)):
        assert purpose and reason, f"{name} stands without a reason"
