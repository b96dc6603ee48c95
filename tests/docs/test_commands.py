"""Commands that the documents name exist, and every command is in its reference."""

import re
import shlex
from functools import cache
from pathlib import Path

import click
import pytest

from tests.docs import cli_reference
from tests.docs.pages import ROOT, blocks, code, pages, read

_MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
_CALL = re.compile(r"^(?:sudo -u \S+ |ExecStart=)?(?:\S*/)?cloudpay ((?:--config \S+ )?[a-z].*)$")


@cache
def _commands() -> dict[str, click.Command]:
    return dict(cli_reference.commands())


def _typed(page: Path) -> list[str]:
    """Lines that a reader may type: shell blocks, and code in running text."""
    lines = [
        line for block in blocks(page) if block.language in ("sh", "ini") for line in block.text.splitlines()
    ]
    return [*lines, *code(page)]


def test_the_reference_is_what_the_commands_say() -> None:
    assert read(cli_reference.PAGE) == cli_reference.render(), (
        "docs/reference/cli.md is old: run `.venv/bin/python tests/docs/cli_reference.py`"
    )


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_cloudpay_command_that_is_named_exists(page: Path) -> None:
    for line in _typed(page):
        found = _CALL.search(line.split("  #")[0].rstrip())
        if found:
            _check(found.group(1), f"{page.name}: {line}")


def _check(call: str, where: str) -> None:
    """Follow the words of a call through the groups, and find its options."""
    words = [word for word in shlex.split(call.replace("…", "")) if word]
    if words[0] == "--config":
        words = words[2:]
    name = "cloudpay"
    while words and isinstance(_commands()[name], click.Group) and not words[0].startswith("-"):
        name = f"{name} {words.pop(0)}"
        assert name in _commands(), f"{where}: there is no command `{name}`"
    known = {option for parameter in _commands()[name].params for option in parameter.opts} | {"--help"}
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in known, f"{where}: `{name}` has no option {word}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", read(ROOT / "Makefile"), re.MULTILINE))
    named = {target for line in _typed(page) for target in _MAKE.findall(line)}
    assert named - targets == set()


def test_contributing_names_every_make_target() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):.*## ", read(ROOT / "Makefile"), re.MULTILINE)) - {"help"}
    named = {target for line in code(ROOT / "CONTRIBUTING.md") for target in _MAKE.findall(line)}
    assert targets - named == set()
