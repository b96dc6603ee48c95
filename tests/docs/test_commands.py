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
    return cli_reference.commands()


def _typed(page: Path) -> list[str]:
    """Lines that a reader may type as they stand."""
    return [
        line for block in blocks(page) if block.language in ("sh", "ini") for line in block.text.splitlines()
    ]


def test_the_reference_is_what_the_commands_say() -> None:
    assert read(cli_reference.PAGE) == cli_reference.render(), (
        "docs/reference/cli.md is old: run `.venv/bin/python tests/docs/cli_reference.py`"
    )


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_cloudpay_command_that_is_named_exists(page: Path) -> None:
    for line in code(page):
        found = _CALL.search(line)
        if found:
            _find(found.group(1), f"{page.name}: {line}")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_cloudpay_command_in_an_example_can_be_typed_as_it_stands(page: Path) -> None:
    for line in _typed(page):
        found = _CALL.search(line.split("  #")[0].rstrip())
        if found:
            name, words = _find(found.group(1), f"{page.name}: {line}")
            try:
                _commands()[name].make_context(name, words, obj=None).close()
            except click.exceptions.Exit:
                continue  # --help
            except click.UsageError as error:
                raise AssertionError(f"{page.name}: {line}: {error.message}") from error


def _find(call: str, where: str) -> tuple[str, list[str]]:
    """Follow the words of a call through the groups; answer the command, and what is left for it."""
    words = [word for word in shlex.split(call.replace("…", "")) if word]
    if words[0] == "--config":
        words = words[2:]
    name = "cloudpay"
    while words and isinstance(_commands()[name], click.Group) and not words[0].startswith("-"):
        name = f"{name} {words.pop(0)}"
        assert name in _commands(), f"{where}: there is no command `{name}`"
    return name, words


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", read(ROOT / "Makefile"), re.MULTILINE))
    named = {target for line in [*_typed(page), *code(page)] for target in _MAKE.findall(line)}
    assert named - targets == set()


def test_contributing_names_every_make_target() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):.*## ", read(ROOT / "Makefile"), re.MULTILINE)) - {"help"}
    named = {target for line in code(ROOT / "CONTRIBUTING.md") for target in _MAKE.findall(line)}
    assert targets - named == set()
