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


def contexts() -> Iterator[click.Context]:
    """Every command that a person can call, groups before what is in them."""
    yield from _below(click.Context(cli, info_name="cloudpay", terminal_width=_WIDTH, **cli.context_settings))


def _below(context: click.Context) -> Iterator[click.Context]:
    yield context
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield from _below(
                click.Context(command, info_name=name, parent=context, **command.context_settings)
            )


def commands() -> dict[str, click.Command]:
    """Every command by its whole name."""
    return {context.command_path: context.command for context in contexts()}


def render() -> str:
    """The whole page."""
    found = list(contexts())
    rows = "".join(f"| [`{each.command_path}`](#{_anchor(each)}) | {_short(each)} |\n" for each in found[1:])
    return _HEAD + rows + "".join(map(_section, found))


def _short(context: click.Context) -> str:
    return context.command.get_short_help_str(200).replace("|", "\\|")


def _anchor(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _section(context: click.Context) -> str:
    lines = "\n".join(line.rstrip() for line in context.get_help().splitlines())
    return f"\n## {context.command_path}\n\n```text\n{lines}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
