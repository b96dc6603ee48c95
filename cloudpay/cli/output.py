"""How commands answer: a table for people, JSON for programs."""

import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cloudpay.kernel.text import shown

_PIPE_WIDTH = 400

Command = TypeVar("Command", bound=Callable[..., Any])


def json_option(command: Command) -> Command:
    """Give a command `--json`, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(command)


def show_rows(items: Iterable[Any], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Show dataclasses: all fields as JSON, or the named ones as a table."""
    plain = [to_plain(item) for item in items]
    if as_json:
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    if not plain:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for item in plain:
        # As text, not as a string: in those rich reads [words in brackets] as orders.
        table.add_row(*(Text(_cell(item[column])) for column in columns))
    # A pipe has no width; a row cut in two would be two rows to the program that reads it.
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def show_one(item: Any, *, as_json: bool, extra: Mapping[str, Any] | None = None) -> None:
    """Show one dataclass, and what else belongs to it."""
    plain = {**to_plain(item), **(extra or {})}
    if as_json:
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        return
    width = max(len(key) for key in plain)
    for key, value in plain.items():
        click.echo(f"{key.replace('_', ' '):<{width}}  {_cell(value)}")


def to_plain(value: Any) -> Any:
    """Turn views into what JSON can say; times in ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(each) for each in value]
    return value


def _cell(value: Any) -> str:
    if value is None or value in ([], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{shown(str(key))}={_cell(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    return shown(str(value))
