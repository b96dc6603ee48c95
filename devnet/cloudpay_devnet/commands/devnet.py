"""`cloudpay devnet`: acting as the payer of the running demo, and breaking its nodes."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click
import requests

from cloudpay_devnet.commands.demo_file import DEFAULT_DIR, read_demo
from cloudpay_devnet.commands.faults import fault, faults, proxy
from cloudpay_devnet.errors import DevnetError
from cloudpay_devnet.paying import pay as send

_SECONDS = 10


class CannotPay(DevnetError):
    """The invoice cannot be paid like this."""

    code = "cannot_pay"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})  # as `cloudpay` has it
def devnet() -> None:
    """Act on the chains of the running demo."""


for command in (proxy, fault, faults):
    devnet.add_command(command)


@devnet.command()
@click.argument("invoice")
@click.option("--amount", help="Instead of what is still to be paid, in units of the currency, as 12.50.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=DEFAULT_DIR,
    show_default=True,
    help="The demo's folder.",
)
def pay(invoice: str, amount: str | None, data_dir: Path) -> None:
    """Pay an invoice from the demo's funded payer.

    \b
    Examples:
      cloudpay devnet pay INV-01J9Z…
      cloudpay devnet pay INV-01J9Z… --amount 12.50
    """
    demo = read_demo(data_dir)
    asked = _invoice(demo, invoice)
    network, currency, address = asked["network"].lower(), asked["currency"], asked["address_in"]
    chain = demo["networks"][network]
    asset = chain["assets"][currency]
    units = _units(amount or asked["amount"], asset["decimals"], currency)
    tx_hash = send(chain, currency, address, units)
    click.echo(f"Sent {amount or asked['amount']} {currency} on {network} to {address}")
    click.echo(f"Transaction {tx_hash}")


@devnet.command()
@click.argument("amount")
@click.argument("currency")
@click.option("--network", default="evm", show_default=True, help="On which of the demo's networks.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=DEFAULT_DIR,
    show_default=True,
    help="The demo's folder.",
)
def fund(amount: str, currency: str, network: str, data_dir: Path) -> None:
    """Send coins to the demo merchant's master wallet from outside; payouts are made from there.

    \b
    Examples:
      cloudpay devnet fund 250 USDT --network bsc
      cloudpay devnet fund 5000 TRX --network tron
    """
    demo = read_demo(data_dir)
    chain = demo["networks"].get(network.lower())
    asset = None if chain is None else chain["assets"].get(currency.upper())
    if asset is None:
        choice = (f"{code} ({', '.join(each['assets'])})" for code, each in demo["networks"].items())
        raise CannotPay(f"The demo has no {currency} on {network}; it has {', '.join(choice)}.")
    units = _units(amount, asset["decimals"], currency)
    tx_hash = send(chain, currency.upper(), chain["master_wallet"], units)
    click.echo(f"Sent {amount} {currency.upper()} on {network.lower()} to {chain['master_wallet']}")
    click.echo(f"Transaction {tx_hash}")


def _invoice(demo: dict[str, Any], invoice: str) -> dict[str, Any]:
    headers = {"x-api-key": demo["api_key"], "merchant-id": demo["merchant_id"]}
    try:
        answer = requests.get(f"{demo['api_url']}/invoice/{invoice}", headers=headers, timeout=_SECONDS)
    except requests.RequestException as error:
        raise CannotPay(
            f"The demo's gateway at {demo['base_url']} does not answer. Does it still run?"
        ) from error
    content: dict[str, Any] = answer.json()
    if answer.status_code != requests.codes.ok:
        raise CannotPay(f"The gateway says: {content.get('detail', answer.status_code)}")
    return content


def _units(amount: str, decimals: int, currency: str) -> int:
    try:
        units = Decimal(amount).scaleb(decimals)
    except InvalidOperation as error:
        raise CannotPay(f"{amount!r} is not an amount; write it as 12.50.") from error
    if units != units.to_integral_value() or units <= 0:
        raise CannotPay(f"{amount} is not an amount of {currency}, which has {decimals} decimals.")
    return int(units)
