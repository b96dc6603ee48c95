"""`cloudpay alerts`: what needs a look, and taking it off the list."""

import click

from cloudpay.alerts.service import alert_views, clear_by_hand
from cloudpay.cli.output import json_option, show_rows
from cloudpay.cli.session import actor, gateway_of

_COLUMNS = ("severity", "opened_at", "kind", "sentence", "advice", "id")
_WITH_HISTORY = ("severity", "opened_at", "cleared_at", "cleared_by", "kind", "sentence", "id")


@click.group(invoke_without_command=True)
@click.option(
    "--history", type=click.IntRange(min=0), default=0, show_default=True, help="So many that are over, too."
)
@json_option
@click.pass_context
def alerts(ctx: click.Context, history: int, as_json: bool) -> None:
    """What needs a look now, and what to do about it; an alert clears by itself when its cause is over.

    \b
    Examples:
      cloudpay alerts
      cloudpay alerts --history 20 --json
      cloudpay alerts clear alt_01J9…
    """
    if ctx.invoked_subcommand is not None:
        return
    with gateway_of(ctx) as gateway:
        rows = alert_views(gateway, history=history)
    show_rows(rows, _WITH_HISTORY if history else _COLUMNS, as_json=as_json, empty="Nothing needs a look.")


@alerts.command()
@click.argument("alert_id", metavar="ALERT")
@click.pass_context
def clear(ctx: click.Context, alert_id: str) -> None:
    """Take an alert off the list; where its cause lasts, it opens anew at the next look.

    \b
    Example:
      cloudpay alerts clear alt_01J9…
    """
    with gateway_of(ctx) as gateway:
        clear_by_hand(gateway, alert_id, actor=actor())
    click.echo(f"{alert_id} is cleared.")
