"""`cloudpay sweep`: collect now what lies at deposit addresses, or see what would be and what is left."""

import click

from cloudpay.cli.output import json_option, show_rows
from cloudpay.cli.session import gateway_of
from cloudpay.sweeps.manual import sweep_now, waiting

_COLUMNS = (
    "network",
    "merchant_id",
    "address",
    "asset",
    "amount",
    "action",
    "fee",
    "top_up",
    "reason",
    "spend_id",
)
_WAITING = ("network", "merchant_id", "address", "asset", "amount", "action", "reason", "spend_id")


@click.command()
@click.argument("network", required=False)
@click.option("--dry-run", is_flag=True, help="Say what would be collected now, and collect nothing.")
@click.option(
    "--list", "listed", is_flag=True, help="Say what lies at deposit addresses, and why it is still there."
)
@json_option
@click.pass_context
def sweep(ctx: click.Context, network: str | None, dry_run: bool, listed: bool, as_json: bool) -> None:
    """Collect from deposit addresses into master wallets now, on one network or on all of them.

    Whatever is worth its fee goes, without waiting for `every_seconds`; what is not stays and is listed with its
    reason, dust among it. What lies at a gas station of its own that fuels nothing any more goes home to the master
    wallet. Surplus of a master wallet goes on to the cold address, where one is set. `fee` is what it costs at most,
    in the network's own coin, and `top_up` what the gas station sends ahead for it.

    \b
    Examples:
      cloudpay sweep --dry-run
      cloudpay sweep polygon
      cloudpay sweep --list --json
    """
    with gateway_of(ctx) as gateway:
        chosen = (
            [gateway.chains.network(network)] if network else [each for each in gateway.chains if each.sends]
        )
        if listed:
            lines = [line for each in chosen for line in waiting(gateway, each)]
        else:
            lines = [line for each in chosen for line in sweep_now(gateway, each, dry_run=dry_run)]
    empty = "Nothing lies at deposit addresses."
    show_rows(lines, _WAITING if listed else _COLUMNS, as_json=as_json, empty=empty)
