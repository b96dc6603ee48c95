"""The `cloudpay` command. Each command's module is imported when that command is used, so that `--help` is quick."""

import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NoReturn

import click

from cloudpay import __version__
from cloudpay.cli.names import COMMANDS, HIDDEN
from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.text import shown

ENTRY_POINT_GROUP = "cloudpay.commands"


class Commands(click.Group):
    """The commands of the core, and those that other distributions register as `cloudpay.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # click's signature
        """Name every command."""
        return [*COMMANDS, *sorted(_extra())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # as above
        """Import one command."""
        if cmd_name in COMMANDS or cmd_name in HIDDEN:
            module = HIDDEN.get(cmd_name) or COMMANDS[cmd_name].module
            found = getattr(import_module(module), cmd_name)
        elif cmd_name in (extra := _extra()):
            found = extra[cmd_name].load()
        else:
            return None
        if not isinstance(found, click.Command):
            raise TypeError(f"the command {cmd_name!r} is a {type(found).__name__}, not a click command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing those of the core."""
        rows = [(name, entry.help) for name, entry in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        extra = {name: self.get_command(ctx, name) for name in sorted(_extra())}
        if extra:
            with formatter.section("Commands of installed extensions"):
                formatter.write_dl(
                    [(name, command.get_short_help_str(80)) for name, command in extra.items() if command]
                )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="cloudpay")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file; without it CLOUDPAY_CONFIG, else ./cloudpay.toml.",
)
@click.pass_context
def cli(ctx: click.Context, config: Path | None) -> None:
    """CloudPay: a self-hosted, non-custodial crypto payment gateway.

    \b
    First steps:
      cloudpay wallet init            make the seed and the addresses
      cloudpay merchant create Shop   make a merchant
      cloudpay key create …           make its API key
      cloudpay up                     run the gateway
      cloudpay doctor                 find out what is wrong
    """
    ctx.obj = config


def main() -> None:
    """Run the command line; an error that a person can act on is one sentence, not a traceback."""
    try:
        cli(standalone_mode=True)
    except CloudPayError as error:
        fail(error.message)
    except KeyboardInterrupt:
        sys.exit(130)


def fail(sentence: str, code: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    click.secho("Error: ", fg="red", bold=True, nl=False, err=True)
    click.echo("\n".join(map(shown, sentence.splitlines())), err=True)
    sys.exit(code)


def _extra() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
