"""What every command shares: the settings, an open gateway for a moment, who is acting."""

import contextlib
import getpass
import os
from collections.abc import Iterator
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from cloudpay.app.start import close_gateway, open_gateway
from cloudpay.chains.gateway import Gateway
from cloudpay.cli.settings import settings_of
from cloudpay.kernel.errors import Unavailable


@contextlib.contextmanager
def gateway_of(ctx: click.Context) -> Iterator[Gateway]:
    """Open the gateway for the time of one command; trouble of the database becomes a sentence."""
    gateway = open_gateway(settings_of(ctx), process="cli")
    try:
        yield gateway
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0] if error.orig else type(error).__name__
        raise Unavailable(f"The database did not do it: {reason}. Nothing was changed; try again.") from error
    finally:
        close_gateway(gateway)


def actor() -> str:
    """Who acts, for the audit log: the user of this machine."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may run under a number that has no name
        return f"cli:{os.getuid()}"


def read_text(path: Path) -> str:
    """Read a small file that the user named, or standard input for `-`."""
    with click.open_file(str(path), encoding="utf-8") as file:
        return str(file.read())
