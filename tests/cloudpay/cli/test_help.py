"""The help of every command: there, with an example, and quick."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from cloudpay.cli import cli
from cloudpay.cli.names import COMMANDS

HEAVY = ("sqlalchemy", "flask", "redis", "web3", "alembic", "granian")


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command of the core that does something."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group) and not command.invoke_without_command:
            yield from ((f"{name} {each}", found) for each, found in command.commands.items())
        else:
            yield name, command


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_says_what_it_does_and_shows_an_example(name: str, command: click.Command) -> None:
    above = click.Context(cli, info_name="cloudpay", **cli.context_settings)
    text = command.get_help(click.Context(command, info_name=name, parent=above))
    assert "Example" in text, text
    assert f"cloudpay {name.split(maxsplit=1)[0]}" in text
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{name} {parameter.opts} has no help"


def test_the_overview_imports_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "from cloudpay.cli import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        f"sys.exit([name for name in {HEAVY!r} if name in sys.modules] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert name in done.stdout
