"""`cloudpay wallet`: the seed, sealed, and the addresses that come from it."""

import json
from pathlib import Path

import click

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.cli.backup import backup, restore, verify
from cloudpay.cli.masters import all_addresses
from cloudpay.cli.output import json_option, show_one, show_rows
from cloudpay.cli.seal import seal
from cloudpay.cli.session import actor, gateway_of, read_text
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.wallets.errors import WalletExists, WalletMissing
from cloudpay.wallets.limits import limits_template
from cloudpay.wallets.masters import make_masters, master_wallet
from cloudpay.wallets.sealing import key_source
from cloudpay.wallets.setup import ACCOUNTS, WalletView, derive_accounts, init_wallet
from cloudpay.wallets.setup import wallet as find_wallet


@click.group()
def wallet() -> None:
    """The seed and the addresses."""


for command in (backup, verify, restore, seal):
    wallet.add_command(command)


@wallet.command()
@click.option("--new", is_flag=True, help="Make a new seed without asking.")
@click.option(
    "--words-file",
    type=click.Path(allow_dash=True, path_type=Path),
    help="Import the words in this file; - is standard input.",
)
@json_option
@click.pass_context
def init(ctx: click.Context, new: bool, words_file: Path | None, as_json: bool) -> None:
    """Make or import the seed, seal it with the seal key, and derive the accounts' public keys.

    A new seed's words are shown once. Whoever has them has the money; without them and the seal key it is lost.

    \b
    Examples:
      cloudpay wallet init
      cloudpay wallet init --new --json
      cloudpay wallet init --words-file words.txt
    """
    with gateway_of(ctx) as gateway:
        if (existing := find_wallet(gateway)) is not None:
            raise WalletExists(existing.fingerprint)
        words = _import_words(words_file, new=new)
        source = key_source(gateway.settings)
        key = source.make()
        unlimited = _write_limits(gateway) if any(network.live for network in _sending(gateway)) else None
        made = init_wallet(gateway, key, mnemonic=words, actor=actor())
        view: WalletView | None = None
        try:
            view = find_wallet(gateway)
            make_masters(gateway)
        finally:  # from the commit on, nothing but these lines has the words
            _show_words(view, made if words is None else None, as_json=as_json)
    if as_json:
        return
    click.echo(
        f"\nThe wallet is ready; its seal key is in {source.describe()}. Keep that safe and apart from the database."
    )
    if unlimited is not None:
        click.echo(f"Nothing is paid out until you say in {unlimited} how much may be.")


@wallet.command()
@click.pass_context
def limits(ctx: click.Context) -> None:
    """Write the file of the signer's own ceilings, for you to fill in; one that is there is left alone.

    Without a table in it, nothing is sent on a network with real money.

    \b
    Example:
      cloudpay wallet limits
    """
    with gateway_of(ctx) as gateway:
        path = gateway.settings.signer_limits_path
        written = _write_limits(gateway)
    click.echo(
        f"{path} is written. Fill in how much may be sent." if written else f"{path} is there already."
    )


@wallet.command()
@json_option
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> None:
    """Show the wallet's fingerprint, and how many accounts are derived.

    \b
    Example:
      cloudpay wallet show
    """
    with gateway_of(ctx) as gateway:
        view = find_wallet(gateway)
    if view is None:
        raise WalletMissing
    show_one(view, as_json=as_json)


@wallet.command()
@click.option(
    "--upto", type=click.IntRange(1, 1_000_000), default=ACCOUNTS, show_default=True, help="Accounts in all."
)
@click.pass_context
def accounts(ctx: click.Context, upto: int) -> None:
    """Derive the public keys of further accounts, also for networks that were added later; needs the seal key.

    \b
    Example:
      cloudpay wallet accounts --upto 512
    """
    with gateway_of(ctx) as gateway:
        added = derive_accounts(gateway, key_source(gateway.settings).load(), upto=upto, actor=actor())
        make_masters(gateway)
    for family, count in added.items():
        click.echo(f"{family}: {count} added")


@wallet.command()
@click.argument("merchant_id")
@json_option
@click.pass_context
def addresses(ctx: click.Context, merchant_id: str, as_json: bool) -> None:
    """Show a merchant's master wallet on every network.

    \b
    Example:
      cloudpay wallet addresses mer_01J9…
    """
    with gateway_of(ctx) as gateway:
        rows = [
            {"network": network.code, "master_wallet": master_wallet(gateway, network, merchant_id).address}
            for network in gateway.chains
        ]
    show_rows(rows, ("network", "master_wallet"), as_json=as_json, empty="No network is configured.")


@wallet.command()
@json_option
@click.pass_context
def masters(ctx: click.Context, as_json: bool) -> None:
    """Show the master wallets of all merchants: send there what payouts need.

    \b
    Example:
      cloudpay wallet masters
    """
    with gateway_of(ctx) as gateway:
        if find_wallet(gateway) is None:
            raise WalletMissing
        rows = all_addresses(gateway)
    columns = ("merchant_id", "merchant", "network", "master_wallet")
    show_rows(rows, columns, as_json=as_json, empty="There is no merchant yet.")


def _import_words(words_file: Path | None, *, new: bool) -> str | None:
    """Answer the words to import, or None for a new seed."""
    if words_file is not None:
        return read_text(words_file)
    if new:
        return None
    choice = click.prompt(
        "Make a new seed, or import one", type=click.Choice(["make", "import"]), default="make", err=True
    )
    return None if choice == "make" else str(click.prompt("The words, in order", hide_input=True, err=True))


def _show_words(view: WalletView | None, words: str | None, *, as_json: bool) -> None:
    """Show the words of a new wallet, the only time that they are shown."""
    if as_json:
        click.echo(json.dumps({"fingerprint": view.fingerprint if view else None, "words": words}, indent=2))
    elif words is not None:
        click.secho("Write these words down, in this order. They are not shown again.\n", bold=True)
        for number, word in enumerate(words.split(), start=1):
            click.echo(f"{number:>4}  {word}")


def _sending(gateway: Gateway) -> list[Network]:
    return [network for network in gateway.chains if network.sends]


def _write_limits(gateway: Gateway) -> Path | None:
    """Write the ceilings for every network that can send, unless there are some; answer where they lie if written."""
    path = gateway.settings.signer_limits_path
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(limits_template(_sending(gateway)))
    except FileExistsError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error
    return path
