"""`cloudpay wallet seal`: the seal key from a file to a key management service, and back."""

from typing import cast

import click

from cloudpay.cli.session import actor, gateway_of
from cloudpay.wallets.resealing import reseal
from cloudpay.wallets.sealing import KeyPlace


@click.command()
@click.argument("place", metavar="PLACE", type=click.Choice(["file", "aws-kms"]))
@click.pass_context
def seal(ctx: click.Context, place: str) -> None:
    """Seal the seed anew, by a key in a file or by one that AWS KMS decrypts; needs the key that seals it now.

    The wallet and its addresses stay what they are. Then say the same in the settings, as seal_key.

    \b
    Examples:
      cloudpay wallet seal aws-kms
      cloudpay wallet seal file
    """
    with gateway_of(ctx) as gateway:
        goal = reseal(gateway, cast("KeyPlace", place), actor=actor())
        settled = gateway.settings.seal_key == place
    click.echo(f"The seed is sealed by {goal.describe()}.")
    if not settled:
        click.echo(
            f'Now set seal_key = "{place}", restart `cloudpay worker send`, and see `cloudpay doctor`. When all '
            "is well, destroy the old key."
        )
