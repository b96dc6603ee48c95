"""`cloudpay chains`: how every network is doing; pause and resume."""

from collections.abc import Sequence

import click

from cloudpay.alerts.service import AlertView, alert_views
from cloudpay.cli.output import json_option, show_rows, to_plain
from cloudpay.cli.session import actor, gateway_of
from cloudpay.payments.networks import network_views
from cloudpay.payments.networks import pause as pause_network
from cloudpay.payments.networks import resume as resume_network
from cloudpay.transactions.control import frozen_networks
from cloudpay.wallets.freezes import EVERYWHERE

_COLUMNS = (
    "code",
    "status",
    "head",
    "final",
    "cursor",
    "lag",
    "age",
    "catching_up",
    "gaps",
    "waiting",
    "alerts",
    "frozen",
    "reason",
)
_NODE_COLUMNS = (
    "network",
    "node",
    "state",
    "score",
    "height",
    "latency_ms",
    "failures",
    "rests_until",
    "calls",
    "last_error",
)


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def chains(ctx: click.Context, as_json: bool) -> None:
    """State of every network, and below it of every node, as their watcher last wrote it down.

    Of a network: its head and for how many seconds that has stood, the newest final block, how far it was read, gaps
    in what was read, payments in final blocks that wait for a balance or a second node, its open alerts, and why
    nothing is sent on it where it is frozen. Of a node: its score from 0 to 100, the newest block that it told, how
    long a request takes it, failures and calls since the watcher began, until when it rests, and its last error.


    \b
    Examples:
      cloudpay chains
      cloudpay chains --json
      cloudpay chains pause bsc --reason "node upgrade"
    """
    if ctx.invoked_subcommand is not None:
        return
    with gateway_of(ctx) as gateway:
        views, opened, frozen = network_views(gateway), alert_views(gateway), frozen_networks(gateway)
    rows = [
        {
            **to_plain(view),
            "lag": view.lag,
            "alerts": _of_network(view.code, opened, as_json=as_json),
            "frozen": frozen[view.code].reason if view.code in frozen else None,
        }
        for view in views
    ]
    show_rows(rows, _COLUMNS, as_json=as_json, empty="No network is configured.")
    nodes = [{"network": view.code, **to_plain(node)} for view in views for node in view.nodes]
    if nodes and not as_json:
        click.echo()
        show_rows(nodes, _NODE_COLUMNS, as_json=False, empty="")


def _of_network(code: str, opened: Sequence[AlertView], *, as_json: bool) -> list[object]:
    """Answer the alerts about a network or one of its nodes: their kinds for the table, all of them for programs."""
    about = [alert for alert in opened if alert.subject.partition("/")[0] in (code, EVERYWHERE)]
    return [to_plain(alert) if as_json else alert.kind.value for alert in about]


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
