"""`cloudpay merchant gas-station`: which address fuels a merchant's deposit addresses before they are collected."""

from typing import Any

import click

from cloudpay.cli.output import json_option, show_one
from cloudpay.cli.session import actor, gateway_of
from cloudpay.kernel.money import format_amount
from cloudpay.wallets.gas_choice import GasStationView, gas_station_view, set_gas_station


@click.command("gas-station")
@click.argument("merchant_id")
@click.argument("network")
@click.option("--own", is_flag=True, help="Fuel from an address of its own from now on.")
@click.option("--master", is_flag=True, help="Fuel from the master wallet again.")
@json_option
@click.pass_context
def gas_station(
    ctx: click.Context, merchant_id: str, network: str, own: bool, master: bool, as_json: bool
) -> None:
    """Show or set from where native coins are sent ahead to a merchant's deposit addresses.

    That is the master wallet, or with `--own` an address of the merchant that holds native coins for nothing else: its
    master wallet then pays for payouts alone. Send native coins to the address that this names. After `--master`,
    `cloudpay sweep` brings home what is left there. `free` is what is booked there and promised to nothing.

    \b
    Examples:
      cloudpay merchant gas-station mer_01J9… polygon
      cloudpay merchant gas-station mer_01J9… polygon --own
      cloudpay merchant gas-station mer_01J9… polygon --master
    """
    if own and master:
        raise click.UsageError("Name one of --own and --master.")
    with gateway_of(ctx) as gateway:
        if own or master:
            found = set_gas_station(gateway, merchant_id, network, own=own, actor=actor())
        else:
            found = gas_station_view(gateway, merchant_id, network)
    show_one(_plain(found), as_json=as_json)
    if not as_json:
        _tell(found)


def _plain(found: GasStationView) -> dict[str, Any]:
    native = found.network.native
    return {
        "merchant_id": found.merchant_id,
        "network": found.network.code,
        "gas_station": "own" if found.own else "master",
        "address": found.address,
        "currency": native.symbol,
        "free": format_amount(found.free, native.decimals),
        "left_at": found.left_at,
        "left_behind": format_amount(found.left_behind, native.decimals),
    }


def _tell(found: GasStationView) -> None:
    code, symbol = found.network.code, found.network.native.symbol
    if found.own and found.free <= 0:
        click.echo(f"\nSend {symbol} on {code} to {found.address}: tokens wait until there is some.")
    if found.left_behind > 0:
        click.echo(
            f"\nWhat is left at {found.left_at} fuels nothing any more: `cloudpay sweep {code}` brings it home."
        )
