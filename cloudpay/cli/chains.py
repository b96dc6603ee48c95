"""`cloudpay chains`: how every network is doing; pause and resume."""

import click

from cloudpay.cli.output import json_option, show_rows, to_plain
from cloudpay.cli.session import actor, gateway_of
from cloudpay.payments.networks import network_views
from cloudpay.payments.networks import pause as pause_network
from cloudpay.payments.networks import resume as resume_network

_COLUMNS = (
    "code",
    "status",
    "head",
    "final",
    "cursor",
    "lag",
    "catching_up",
    "gaps",
    "node",
    "answered_at",
    "reason",
)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def chains(ctx: click.Context, as_json: bool) -> None:
    """State of every network: its head, the newest final block, how far it was read, gaps in what was read.

    \b
    Examples:
      cloudpay chains
      cloudpay chains --json
      cloudpay chains pause bsc --reason "node upgrade"
    """
    if ctx.invoked_subcommand is not None:
        return
    with gateway_of(ctx) as gateway:
        rows = [{**to_plain(view), "lag": view.lag} for view in network_views(gateway)]
    show_rows(rows, _COLUMNS, as_json=as_json, empty="No network is configured.")


@chains.command()
@click.argument("network")
@click.option("--reason", required=True, help="Why; merchants' programs and `cloudpay chains` say it.")
@click.pass_context
def pause(ctx: click.Context, network: str, reason: str) -> None:
    """Take no new invoices on a network and credit nothing, until it is resumed.

    \b
    Example:
      cloudpay chains pause bsc --reason "node upgrade"
    """
    with gateway_of(ctx) as gateway:
        pause_network(gateway, network, reason, actor=actor())
    click.echo(f"{network} is paused.")


@chains.command()
@click.argument("network")
@click.option(
    "--anew",
    is_flag=True,
    help="Go on from the newest block, on a chain that holds none of the blocks that were read: payments found in "
    "those are taken back. `cloudpay rescan` finds what the chain still has of them.",
)
@click.pass_context
def resume(ctx: click.Context, network: str, anew: bool) -> None:
    """Let a paused network go on from where it stopped; its nodes are verified first.

    \b
    Examples:
      cloudpay chains resume bsc
      cloudpay chains resume bsc --anew
    """
    with gateway_of(ctx) as gateway:
        resume_network(gateway, network, anew=anew, actor=actor())
        gateway.db.nudge("watch")
    click.echo(f"{network} is verified by its watcher now; see `cloudpay chains`.")
