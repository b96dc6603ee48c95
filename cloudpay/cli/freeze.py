"""`cloudpay freeze` and `thaw`: the kill switch of everything that is sent."""

import click

from cloudpay.cli.session import actor, gateway_of
from cloudpay.transactions import control
from cloudpay.wallets.freezes import EVERYWHERE


@click.command()
@click.argument("network", required=False)
@click.option("--reason", required=True, help="Why; `cloudpay chains`, the alert and the audit log say it.")
@click.pass_context
def freeze(ctx: click.Context, network: str | None, reason: str) -> None:
    """Sign nothing more on a network, or on none of them, until it is thawed.

    It is stored in the database and, where this user may write there, in a file beside the seal key; either one
    freezes. What was broadcast before is still followed to its end.

    \b
    Examples:
      cloudpay freeze --reason "a key may be stolen"
      cloudpay freeze bsc --reason "strange payouts"
    """
    with gateway_of(ctx) as gateway:
        done = control.freeze(gateway, network or EVERYWHERE, reason, actor=actor())
    click.echo(f"{network or 'Sending as a whole'} is frozen.")
    if not done.in_file:
        click.echo(
            "This user cannot write beside the seal key: `cloudpay worker send` does so at its next look.",
            err=True,
        )


@click.command()
@click.argument("network", required=False)
@click.option("--reason", required=True, help="What was found; the audit log keeps it.")
@click.option(
    "--reconciled",
    is_flag=True,
    help="You have compared the gateway with the chain: payouts whose place was taken from outside have failed, and "
    "what was signed before an old backup need not be known.",
)
@click.pass_context
def thaw(ctx: click.Context, network: str | None, reason: str, reconciled: bool) -> None:
    """Let it be signed again; run it as the user and with the data folder of `cloudpay worker send`.

    A file beside the seal key may freeze, too, and --reconciled marks the journal in the data folder. After a restore,
    and where an old database was put back, only --reconciled ends the freeze.

    \b
    Examples:
      cloudpay thaw --reason "false alarm"
      cloudpay thaw bsc --reason "old wallet switched off" --reconciled
    """
    with gateway_of(ctx) as gateway:
        given_up = control.thaw(gateway, network or EVERYWHERE, reason, reconciled=reconciled, actor=actor())
    click.echo(f"{network or 'Sending as a whole'} is thawed.")
    if given_up:
        click.echo(f"{given_up} transactions were given up; their payouts have failed.")
