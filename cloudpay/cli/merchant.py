"""`cloudpay merchant`: who sells."""

from collections.abc import Sequence

import click

from cloudpay.chains.gateway import Gateway
from cloudpay.cli.gas_station import gas_station
from cloudpay.cli.masters import masters_of
from cloudpay.cli.output import json_option, show_one, show_rows
from cloudpay.cli.session import actor, gateway_of
from cloudpay.merchants.service import (
    create_merchant,
    get_merchant,
    list_merchants,
    set_payout_currencies,
    set_payout_network,
    webhook_secrets,
)

_SKIP = "-"


@click.group()
def merchant() -> None:
    """Merchants, their payout currencies, payout network and gas stations."""


merchant.add_command(gas_station)


@merchant.command()
@click.argument("name")
@click.option("--live/--test", "live", default=None, help="Default: live where a live network is configured.")
@click.option(
    "--payout", multiple=True, metavar="NETWORK=SYMBOL", help="Payout currency; nothing is asked then."
)
@click.option(
    "--expiry", type=int, metavar="MINUTES", help="How long its invoices stay open; default: the gateway's."
)
@json_option
@click.pass_context
def create(
    ctx: click.Context,
    name: str,
    live: bool | None,
    payout: Sequence[str],
    expiry: int | None,
    as_json: bool,
) -> None:
    """Create a merchant; asks in which currency it is paid out on each network.

    Answers its master wallets, too: what lies there can be paid out. A gateway without a wallet names none yet.

    \b
    Examples:
      cloudpay merchant create "Tea Shop"
      cloudpay merchant create "Tea Shop" --payout evm=USDT --payout bsc=BNB --json
    """
    with gateway_of(ctx) as gateway:
        livemode = any(network.live for network in gateway.chains) if live is None else live
        currencies = _given(payout) if payout else _ask(gateway, livemode=livemode)
        made = create_merchant(
            gateway,
            name,
            livemode=livemode,
            payout_currencies=currencies,
            invoice_expiry_minutes=expiry,
            actor=actor(),
        )
        extra = {
            "webhook_secret": webhook_secrets(gateway, made.id)[0],
            "master_wallets": masters_of(gateway, made.id),
        }
        show_one(made, as_json=as_json, extra=extra)
    if not as_json:
        click.echo(f"\nNext: cloudpay key create {made.id}")


@merchant.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all merchants.

    \b
    Example:
      cloudpay merchant list
    """
    with gateway_of(ctx) as gateway:
        columns = ("id", "name", "livemode", "account_index", "payout_currencies", "created_at")
        show_rows(list_merchants(gateway), columns, as_json=as_json, empty="There is no merchant yet.")


@merchant.command()
@click.argument("merchant_id")
@click.option("--secret", is_flag=True, help="Show the webhook secret too.")
@json_option
@click.pass_context
def show(ctx: click.Context, merchant_id: str, secret: bool, as_json: bool) -> None:
    """Show one merchant.

    \b
    Example:
      cloudpay merchant show mer_01J9… --secret
    """
    with gateway_of(ctx) as gateway:
        extra = {"webhook_secret": webhook_secrets(gateway, merchant_id)[0]} if secret else {}
        show_one(get_merchant(gateway, merchant_id), as_json=as_json, extra=extra)


@merchant.command("payout-currency")
@click.argument("merchant_id")
@click.argument("payout", nargs=-1, required=True, metavar="NETWORK=SYMBOL...")
@json_option
@click.pass_context
def payout_currency(ctx: click.Context, merchant_id: str, payout: Sequence[str], as_json: bool) -> None:
    """Set in which currency a merchant pays out on a network when a request names none.

    \b
    Example:
      cloudpay merchant payout-currency mer_01J9… evm=USDT bsc=BNB
    """
    with gateway_of(ctx) as gateway:
        show_one(set_payout_currencies(gateway, merchant_id, _given(payout), actor=actor()), as_json=as_json)


@merchant.command("payout-network")
@click.argument("merchant_id")
@click.argument("network", required=False)
@click.option("--clear", is_flag=True, help="Take the gateway's `default_network` again.")
@json_option
@click.pass_context
def payout_network(
    ctx: click.Context, merchant_id: str, network: str | None, clear: bool, as_json: bool
) -> None:
    """Set on which network a payout goes out whose address several share, when a request names none.

    At first it is the gateway's `default_network`.

    \b
    Examples:
      cloudpay merchant payout-network mer_01J9… polygon
      cloudpay merchant payout-network mer_01J9… --clear
    """
    if clear == bool(network):
        raise click.UsageError("Name a network, or --clear.")
    with gateway_of(ctx) as gateway:
        show_one(set_payout_network(gateway, merchant_id, network, actor=actor()), as_json=as_json)


def _given(payout: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in payout]
    for network, sign, symbol in pairs:
        if not (network and sign and symbol):
            raise click.BadParameter(
                "write NETWORK=SYMBOL, as in --payout evm=ETH", param_hint="NETWORK=SYMBOL"
            )
    return {network.strip(): symbol.strip() for network, _, symbol in pairs}


def _ask(gateway: Gateway, *, livemode: bool) -> dict[str, str]:
    """Ask for each network of the merchant's mode; a dash leaves one unset."""
    answers: dict[str, str] = {}
    for network in gateway.chains:
        if network.live != livemode:
            continue
        known = {asset.symbol.upper(): asset.symbol for asset in network.assets}
        symbol = click.prompt(
            f"Payout currency on {network.code} ({', '.join(known.values())}; {_SKIP} for none)",
            default=network.native.symbol,
            type=click.Choice([*known.values(), _SKIP], case_sensitive=False),
            show_choices=False,
            err=True,
        )
        if symbol != _SKIP:
            answers[network.code] = symbol
    return answers
