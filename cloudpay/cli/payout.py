"""`cloudpay payout`: look at payouts, confirm and cancel them, and limit what may go out."""

import json
from collections.abc import Sequence
from functools import partial
from typing import IO

import click

from cloudpay.chains.spending import FeeTier
from cloudpay.cli.output import json_option, show_one, show_rows
from cloudpay.cli.session import actor, gateway_of
from cloudpay.kernel.paging import MAX_LIMIT, Paging
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import get_merchant
from cloudpay.payouts.approvals import agree, take_back
from cloudpay.payouts.creation import create
from cloudpay.payouts.errors import PayoutsRefused
from cloudpay.payouts.limiting import list_limits, set_limits
from cloudpay.payouts.rendering import batch_answer, batch_text, payout_answer, preview_text
from cloudpay.payouts.service import Filters, get, get_batch, history
from cloudpay.payouts.states import PayoutStatus
from cloudpay.payouts.table import read_table

_COLUMNS = ("payout_id", "id", "status", "amount", "currency", "network", "address", "tx_hash", "reason")
_TOTALS = ("currency", "network", "count", "amount", "fee_reserved", "fee_currency")
_FUNDS = ("currency", "network", "needed", "available", "covered")
_LIMITS = ("holder", "kind", "amount", "currency", "network")

_merchant_id = click.argument("merchant_id")
_thing = click.argument("id_", metavar="ID")


@click.group()
def payout() -> None:
    """Look at payouts, confirm and cancel them, and limit what may go out."""


@payout.command("list")
@_merchant_id
@click.option("--status", type=click.Choice([each.value for each in PayoutStatus]), help="Only these.")
@click.option("--network", help="Only those of this network.")
@click.option("--batch", "batch_id", help="Only those of this batch.")
@click.option("--external-id", help="Only the one of this id of the merchant's own.")
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which page.")
@click.option(
    "--limit", type=click.IntRange(1, MAX_LIMIT), default=20, show_default=True, help="Payouts on a page."
)
@json_option
@click.pass_context
def list_(
    ctx: click.Context,
    merchant_id: str,
    *,
    status: str | None,
    network: str | None,
    batch_id: str | None,
    external_id: str | None,
    page: int,
    limit: int,
    as_json: bool,
) -> None:
    """List a merchant's payouts, newest first.

    \b
    Example:
      cloudpay payout list mer_01J9… --status awaiting_confirmation
    """
    filters = Filters(
        status=PayoutStatus(status) if status else None,
        network=network,
        batch_id=batch_id,
        external_id=external_id,
    )
    with gateway_of(ctx) as gateway:
        merchant = get_merchant(gateway, merchant_id)
        principal = Principal("cli", merchant.id, merchant.livemode, frozenset())
        found = history(gateway, principal, filters, Paging(page, limit))
        rows = [payout_answer(gateway, each) for each in found.items]
    show_rows(rows, _COLUMNS, as_json=as_json, empty="There is no such payout.")


@payout.command()
@_merchant_id
@_thing
@json_option
@click.pass_context
def show(ctx: click.Context, merchant_id: str, id_: str, as_json: bool) -> None:
    """Show a payout (po_…), or a batch with its payouts (bat_…).

    \b
    Examples:
      cloudpay payout show mer_01J9… po_01J9…
      cloudpay payout show mer_01J9… bat_01J9… --json
    """
    with gateway_of(ctx) as gateway:
        merchant = get_merchant(gateway, merchant_id)
        principal = Principal("cli", merchant.id, merchant.livemode, frozenset())
        if id_.startswith("bat_"):
            answer = batch_answer(gateway, get_batch(gateway, principal, id_))
        else:
            answer = payout_answer(gateway, get(gateway, principal, id_))
    show_one(answer, as_json=as_json)


@payout.command()
@_merchant_id
@click.argument("file", type=click.File("rb"))
@click.option(
    "--dry-run", is_flag=True, help="Show what would be accepted, and what of it is covered; keep nothing."
)
@click.option("--network", help="Of the lines that name none.")
@click.option("--currency", help="Of the lines that name none.")
@click.option(
    "--priority", type=click.Choice([each.value for each in FeeTier]), help="Of the lines that name none."
)
@json_option
@click.pass_context
def upload(
    ctx: click.Context,
    merchant_id: str,
    file: IO[bytes],
    *,
    dry_run: bool,
    network: str | None,
    currency: str | None,
    priority: str | None,
    as_json: bool,
) -> None:
    """Take a CSV file of payouts (- is standard input), which wait until they are confirmed.

    Its first line names the columns: id, address and amount, and any of network, currency, priority and memo. The same
    file again is answered as it was, and sends nothing twice.

    \b
    Examples:
      cloudpay payout upload mer_01J9… payouts.csv --dry-run
      cloudpay payout upload mer_01J9… payouts.csv --currency USDT
    """
    options = {"dry_run": dry_run, "network": network, "currency": currency, "priority": priority}
    with gateway_of(ctx) as gateway:
        merchant = get_merchant(gateway, merchant_id)
        principal = Principal("cli", merchant.id, merchant.livemode, frozenset(), by=actor())
        try:
            new = read_table(file.read(), options)
            told = create(
                gateway, principal, new, None, partial(batch_text, gateway), partial(preview_text, gateway)
            )
        except PayoutsRefused as error:
            for name, sentences in error.errors.items():
                click.echo(f"{name}: {' '.join(sentences)}", err=True)
            raise
    answer = json.loads(told.body)
    if as_json:
        show_one(answer, as_json=True)
        return
    rows = answer["funds"] if dry_run else answer["totals"]
    show_rows(rows or [], _FUNDS if rows and "covered" in rows[0] else _TOTALS, as_json=False, empty="")
    if answer["dry_run"]:
        click.echo(f"{answer['count']} payouts would be accepted; nothing was kept.")
        if answer["approvals_needed"]:
            click.echo(f"{answer['approvals_needed']} users would have to agree to them.")
    else:
        click.echo(
            f"{answer['batch_id']} is {answer['status']}; cloudpay payout confirm lets what waits go out."
        )


@payout.command()
@_merchant_id
@_thing
@click.option("--user", "email", required=True, metavar="EMAIL", help="Whose decision it is.")
@json_option
@click.pass_context
def confirm(ctx: click.Context, merchant_id: str, id_: str, email: str, as_json: bool) -> None:
    """Let a payout or a batch that waits go out, as a user of the merchant.

    Above the merchant's threshold (see `cloudpay payout limit`) it goes out when two different users have confirmed it.

    \b
    Example:
      cloudpay payout confirm mer_01J9… bat_01J9… --user ada@example.com
    """
    with gateway_of(ctx) as gateway:
        decided = agree(gateway, merchant_id, id_, email, actor=actor())
        answer = batch_answer(gateway, decided.batch)
    if as_json:
        show_one({**answer, "approvals": decided.approvals}, as_json=True)
        return
    missing = decided.batch.approvals_needed - decided.approvals
    if missing > 0:
        click.echo(
            f"{decided.batch.id} waits for {missing} more of its {decided.batch.approvals_needed} users."
        )
    else:
        click.echo(f"{id_} goes out.")


@payout.command()
@_merchant_id
@_thing
@json_option
@click.pass_context
def cancel(ctx: click.Context, merchant_id: str, id_: str, as_json: bool) -> None:
    """Take back a payout, or all of a batch, that is not signed yet.

    \b
    Example:
      cloudpay payout cancel mer_01J9… po_01J9…
    """
    with gateway_of(ctx) as gateway:
        answer = batch_answer(gateway, take_back(gateway, merchant_id, id_, actor=actor()))
    if as_json:
        show_one(answer, as_json=True)
        return
    taken = sum(each["status"] == PayoutStatus.CANCELLED for each in answer["items"])
    click.echo(f"{answer['batch_id']} is {answer['status']}; {taken} of its {answer['count']} are cancelled.")


@payout.command()
@_merchant_id
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@click.option("--key", "key_id", metavar="KEY_ID", help="Of this key alone; default: of all keys together.")
@json_option
@click.pass_context
def limit(
    ctx: click.Context, merchant_id: str, rules: Sequence[str], key_id: str | None, as_json: bool
) -> None:
    """Show what limits a merchant's payouts, after setting what is given.

    A rule is SYMBOL@NETWORK=AMOUNT/KIND, and the amount `none` takes one away. The kinds: `payout` bounds one payout,
    `day` all of a day (UTC), `address` all of a day to one address, and above `approval` in a day two users must
    confirm. A merchant or key that has a limit of the first three kinds may send only what they name; where there is
    any `approval`, two users must confirm whatever is sent of a currency that none names.

    \b
    Examples:
      cloudpay payout limit mer_01J9…
      cloudpay payout limit mer_01J9… USDT@evm=1000/day ETH@evm=0.5/payout --key key_01J9…
      cloudpay payout limit mer_01J9… USDT@evm=5000/approval
    """
    with gateway_of(ctx) as gateway:
        if rules:
            found = set_limits(gateway, merchant_id, rules, key_id=key_id, actor=actor())
        else:
            found = list_limits(gateway, merchant_id)
        wanted = [each for each in found if key_id in (None, each.holder)]
    show_rows(wanted, _LIMITS, as_json=as_json, empty="Nothing limits its payouts.")
