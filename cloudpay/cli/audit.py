"""`cloudpay audit`: who did what."""

import click

from cloudpay.audit.service import entries
from cloudpay.cli.output import json_option, show_rows
from cloudpay.cli.session import gateway_of
from cloudpay.kernel.paging import MAX_LIMIT, Paging


@click.group()
def audit() -> None:
    """Who did what; entries are never changed or removed."""


@audit.command("list")
@click.option("--merchant", metavar="ID", help="Only what concerns this merchant.")
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which page.")
@click.option(
    "--limit", type=click.IntRange(1, MAX_LIMIT), default=50, show_default=True, help="Entries on a page."
)
@json_option
@click.pass_context
def list_(ctx: click.Context, merchant: str | None, page: int, limit: int, as_json: bool) -> None:
    """List what was done, newest first.

    \b
    Example:
      cloudpay audit list --merchant mer_01J9…
    """
    with gateway_of(ctx) as gateway:
        found = entries(gateway, merchant, Paging(page, limit))
    columns = ("at", "actor", "action", "subject", "details")
    show_rows(found.items, columns, as_json=as_json, empty="Nothing was done yet.")
