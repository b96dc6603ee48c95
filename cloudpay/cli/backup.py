"""`cloudpay wallet backup`, `verify` and `restore`: the wallet in one file, and back from it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cloudpay.chains.network import Network
from cloudpay.cli.output import json_option, show_rows, to_plain
from cloudpay.cli.session import actor, gateway_of, read_text
from cloudpay.cli.settings import settings_of
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.kernel.money import format_amount
from cloudpay.payments.openings import Found
from cloudpay.payments.restore import AHEAD, Report
from cloudpay.payments.restore import restore as restore_all
from cloudpay.wallets import vault
from cloudpay.wallets.backups import Contents, back_up, open_backup, require_strong
from cloudpay.wallets.comparing import Compared, compare, own_check
from cloudpay.wallets.gas import all_gas_wallets
from cloudpay.wallets.sealing import key_source
from cloudpay.wallets.service import deposits

_SIGNS = {True: ("ok  ", "green"), False: ("FIX ", "red"), None: ("note", "yellow")}

passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(allow_dash=True, path_type=Path),
    help="Read the passphrase from the first line of this file; - is standard input. Without it you are asked.",
)
file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@file_argument
@passphrase_option
@click.pass_context
def backup(ctx: click.Context, file: Path, passphrase_file: Path | None) -> None:
    """Write everything that re-creates the wallet into one new file, sealed by a passphrase; needs the seal key.

    The file and the passphrase are all that a restore needs; whoever has both has the money. Keep them apart.

    \b
    Examples:
      cloudpay wallet backup wallet-2026-11-27.backup
      cloudpay wallet backup wallet.backup --passphrase-file /run/secrets/passphrase
    """
    passphrase = _passphrase(passphrase_file, new=True)
    with gateway_of(ctx) as gateway:
        data = back_up(gateway, key_source(gateway.settings).load(), passphrase, actor=actor())
        vault.write_new(file, data)
    contents = open_backup(file.read_bytes(), passphrase, str(file))
    click.echo(f"{file} is written and opens: {_summary(contents)}.")
    click.echo("Store it away from this machine, and the passphrase away from it.")


@click.command()
@file_argument
@passphrase_option
@json_option
@click.pass_context
def verify(ctx: click.Context, file: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Open a backup, say what it holds, and hold it against the wallet and the addresses that are here.

    Nothing is written, and no secret is shown. Ends with code 1 where the backup is not this wallet's.

    \b
    Example:
      cloudpay wallet verify wallet-2026-11-27.backup
    """
    contents = _open(file, _passphrase(passphrase_file))
    settings = settings_of(ctx)
    findings: list[Compared] = [own_check(contents)]
    if settings.database_url or (settings.data_path / "cloudpay.db").exists():
        with gateway_of(ctx) as gateway:
            findings += compare(gateway, contents)
    else:
        findings.append(Compared("wallet", None, "There is no gateway here to compare it with."))
    if as_json:
        click.echo(json.dumps({**_plain(contents), "findings": to_plain(findings)}, indent=2))
    else:
        click.echo(f"{file}: {_summary(contents)}.")
        for each in findings:
            sign, colour = _SIGNS[each.ok]
            click.echo(f"{click.style(sign, fg=colour)}  {each.subject}: {each.says}")
    if any(each.ok is False for each in findings):
        ctx.exit(1)


@click.command()
@file_argument
@passphrase_option
@click.option(
    "--ahead",
    type=click.IntRange(1, 100_000),
    default=AHEAD,
    show_default=True,
    help="Addresses to look at, and watch, beyond the last known one of each account: more than were handed out since.",
)
@json_option
@click.pass_context
def restore(ctx: click.Context, file: Path, passphrase_file: Path | None, ahead: int, as_json: bool) -> None:
    """Bring a wallet back, watch all of its addresses, and find its money. Run it before anything else is started.

    Into an empty data folder and database, or into an older database of the same wallet. Another wallet is never
    overwritten. A merchant that was made after the backup is found by its money. Nothing is sent until you have
    compared the gateway with the chains and run `cloudpay thaw --reconciled`.

    \b
    Examples:
      cloudpay wallet restore wallet-2026-11-27.backup
      cloudpay wallet restore wallet.backup --ahead 20000
    """
    contents = _open(file, _passphrase(passphrase_file))
    with gateway_of(ctx) as gateway:
        served = {network.key_family.name for network in gateway.chains}
        seal_key = key_source(gateway.settings).make()
        report = restore_all(
            gateway,
            seal_key,
            contents,
            ahead=ahead,
            actor=actor(),
            tell=lambda what: click.echo(f"… {what}", err=True),
        )
        rows = [row for each in report.found for row in _money(each, gateway)]
    unserved = [each for each in contents.families if each.name not in served]
    _show(report, rows, as_json=as_json)
    for family in unserved:
        click.echo(
            f"No network of the key family {family.name} is configured (it had {', '.join(family.networks)}): "
            "configure one, and restore again to find what lies there.",
            err=True,
        )


def _show(report: Report, rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        plain = {
            **to_plain(report.restored),
            "opened": list(report.opened),
            "at": {each.network.code: each.at.height for each in report.found},
            "found": list(rows),
            "late_merchants": [
                {"id": each.id, "name": each.name, "account_index": each.account_index}
                for each in report.late
            ],
            "first_free_account": report.first_free,
        }
        click.echo(json.dumps(plain, indent=2))
        return
    columns = ("network", "currency", "at_deposits", "deposits", "in_masters", "at_gas_stations", "total")
    show_rows(rows, columns, as_json=False, empty="Nothing lies at any address of this wallet.")
    done = report.restored
    click.echo(
        f"\nThe wallet {done.fingerprint} is back: {done.merchants} merchants and {done.addresses} addresses "
        "were missing."
    )
    for each in report.late:
        click.echo(
            f"Account {each.account_index} was used by a merchant that the backup does not know. It is kept as "
            f"{each.id}, {each.name!r}: give that merchant its keys (`cloudpay key create {each.id}`)."
        )
    click.echo(
        "Sending is frozen. Compare what lies there with what you expect, then run `cloudpay thaw --reconciled`."
    )
    if done.fresh:
        click.echo("API keys, users and webhook secrets are not in a backup of the wallet: make them anew.")


def _money(found: Found, gateway: Any) -> list[dict[str, Any]]:
    """Sum what lies on a network up by asset."""
    with gateway.db.read() as session:
        addresses = {holding.address for holding in found.amounts}
        family = found.network.key_family.name
        at_deposit = deposits(session, family, addresses).keys()
        at_gas = {each.address for each in all_gas_wallets(session, family)}
    return [
        row
        for asset in found.network.assets
        if (row := _row(found, found.network, asset, at_deposit, at_gas))["total"]
    ]


def _row(found: Found, network: Network, asset: Any, at_deposit: Any, at_gas: Any) -> dict[str, Any]:
    mine = {each.address: units for each, units in found.amounts.items() if each.contract == asset.contract}
    lying = sum(units for address, units in mine.items() if address in at_deposit)
    fuel = sum(units for address, units in mine.items() if address in at_gas)
    total = sum(mine.values())

    def shown(units: int) -> str:
        return format_amount(units, asset.decimals)

    return {
        "network": network.code,
        "currency": asset.symbol,
        "at_deposits": shown(lying),
        "deposits": sum(address in at_deposit for address in mine),
        "in_masters": shown(total - lying - fuel),
        "at_gas_stations": shown(fuel),
        "total": shown(total) if total else "",
    }


def _open(file: Path, passphrase: str) -> Contents:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from error
    return open_backup(data, passphrase, str(file))


def _passphrase(file: Path | None, *, new: bool = False) -> str:
    """Read the passphrase, or ask for it; it is never an argument, which every user of the machine could see."""
    if file is not None:
        try:
            found = read_text(file).split("\n", 1)[0].rstrip("\r")
        except OSError as error:
            raise InvalidRequest(f"{file} cannot be read: {error.strerror}.") from error
    else:
        found = str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True))
    if new:
        require_strong(found)
    return found


def _summary(contents: Contents) -> str:
    accounts = contents.highest_account
    addresses = sum(each.next_index for each in contents.branches)
    networks = ", ".join(code for family in contents.families for code in family.networks)
    return (
        f"the wallet {contents.fingerprint} as of {contents.made_at:%Y-%m-%d %H:%M} UTC, "
        f"{len(contents.merchants)} merchants (highest account {'-' if accounts is None else accounts}), "
        f"up to {addresses} deposit addresses, networks {networks}"
    )


def _plain(contents: Contents) -> dict[str, Any]:
    """Tell all but the words."""
    return {
        "fingerprint": contents.fingerprint,
        "made_at": contents.made_at.isoformat(),
        "made_by": contents.made_by,
        "merchants": len(contents.merchants),
        "highest_account": contents.highest_account,
        "key_families": {each.name: list(each.networks) for each in contents.families},
        "next_index": {f"{each.key_family}/{each.account}": each.next_index for each in contents.branches},
    }
