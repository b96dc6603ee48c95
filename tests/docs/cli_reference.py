"""docs/reference/cli.md, made from what the commands say: `python tests/docs/cli_reference.py` writes it."""

from collections.abc import Iterator
from pathlib import Path

import click

from cloudpay.cli import cli

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
_WIDTH = 110
_HEAD = """\
# Commands

Every command and its options, as `--help` tells them. `cloudpay demo` and `cloudpay devnet` come with the distribution
`cloudpay-devnet`. Settings come from the file that `--config` or `CLOUDPAY_CONFIG` names, else from `./cloudpay.toml`;
see [settings](settings.md).

| command | does |
|---|---|
"""


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that a person can call, with its whole name, groups before what is in them."""
    yield "cloudpay", cli
    yield from _below("cloudpay", cli)


def _below(name: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group, info_name=name)
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        if command is None or command.hidden:
            continue
        yield f"{name} {each}", command
        if isinstance(command, click.Group):
            yield from _below(f"{name} {each}", command)


def render() -> str:
    """The whole page."""
    found = list(commands())
    rows = "".join(f"| [`{name}`](#{_anchor(name)}) | {_short(command)} |\n" for name, command in found[1:])
    return _HEAD + rows + "".join(_section(name, command) for name, command in found)


def _short(command: click.Command) -> str:
    return command.get_short_help_str(200).replace("|", "\\|")


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH)
    help_text = command.get_help(context)
    lines = "\n".join(line.rstrip() for line in help_text.splitlines())
    return f"\n## {name}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
