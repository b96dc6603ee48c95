"""`cloudpay rescan`: read a range of blocks again."""

import click

from cloudpay.cli.session import gateway_of
from cloudpay.payments.rescan import rescan as read_again


@click.command()
@click.argument("network")
@click.argument("first", metavar="FROM", type=click.IntRange(min=1))
@click.argument("last", metavar="TO", type=click.IntRange(min=1))
@click.pass_context
def rescan(ctx: click.Context, network: str, first: int, last: int) -> None:
    """Read the blocks FROM to TO again. What was missed is found; what is known changes nothing.

    Safe while the gateway runs.

    \b
    Example:
      cloudpay rescan evm 21000000 21000500
    """
    with gateway_of(ctx) as gateway:
        with click.progressbar(length=max(0, last - first + 1), label=network) as bar:
            done = first - 1

            def progress(height: int, found: int) -> None:
                nonlocal done
                bar.update(height - done)
                bar.label = f"{network}: {found} transfers"
                done = height

            found = read_again(gateway, network, first, last, progress)
        gateway.db.nudge("watch")
    click.echo(f"Read up to block {done}: {found} transfers to or from addresses of ours.")
