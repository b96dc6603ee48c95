"""The settings of this call, without importing the database: the supervisor stays small."""

import os
from pathlib import Path

import click

from cloudpay.kernel.settings import PREFIX, Settings, load_settings


def settings_of(ctx: click.Context) -> Settings:
    """Read the settings that `--config`, the environment or ./cloudpay.toml name."""
    path = ctx.find_root().obj
    return load_settings(path if isinstance(path, Path) else None)


def export_config(ctx: click.Context) -> None:
    """Have the processes that this one starts read the same file, from whatever folder they work in."""
    path = ctx.find_root().obj
    if isinstance(path, Path):
        os.environ[f"{PREFIX}CONFIG"] = str(path.absolute())
