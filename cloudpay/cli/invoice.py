"""`cloudpay invoice`: look at invoices, and decide about those that a reorganisation took back."""

import click

from cloudpay.cli.output import json_option, show_one, show_rows, to_plain
from cloudpay.cli.session import actor, gateway_of
from cloudpay.invoices.rendering import invoice_answer
from cloudpay.invoices.reversals import settle as settle_invoice
from cloudpay.invoices.reversals import write_off as write_off_invoice
from cloudpay.invoices.service import Filters, get_for_payer, list_invoices
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.strays import look_up as look_up_strays
from cloudpay.kernel.money import format_amount
from cloudpay.kernel.paging import MAX_LIMIT, Paging
from cloudpay.kernel.text import shown
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import get_merchant
from cloudpay.payments.strays import Stray

_COLUMNS = (
    "id",
    "status",
    "exception",
    "amount",
    "received_amount",
    "currency",
    "network",
    "customer_name",
    "expires_at",
)

_STRAYS = ("network", "kind", "symbol", "contract", "amount", "sender", "tx_hash", "height")


@click.group()
def invoice() -> None:
    """Look at invoices, and decide about those that a reorganisation took back."""


@invoice.command("list")
@click.argument("merchant_id")
@click.option("--status", type=click.Choice([each.value for each in InvoiceStatus]), help="Only these.")
@click.option("--network", help="Only those that may be paid there.")
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which page.")
@click.option(
    "--limit", type=click.IntRange(1, MAX_LIMIT), default=20, show_default=True, help="Invoices on a page."
)
@json_option
@click.pass_context
def list_(
    ctx: click.Context,
    merchant_id: str,
    status: str | None,
    network: str | None,
    page: int,
    limit: int,
    as_json: bool,
) -> None:
    """List a merchant's invoices, newest first.

    \b
    Example:
      cloudpay invoice list mer_01J9… --status pending
    """
    with gateway_of(ctx) as gateway:
        merchant = get_merchant(gateway, merchant_id)
        principal = Principal("cli", merchant.id, merchant.livemode, frozenset())
        filters = Filters(status=InvoiceStatus(status) if status else None, network=network)
        found = list_invoices(gateway, principal, filters, Paging(page, limit))
        rows = [invoice_answer(gateway, each) for each in found.items]
    show_rows(rows, _COLUMNS, as_json=as_json, empty="There is no such invoice.")


@invoice.command()
@click.argument("invoice_id")
@json_option
@click.pass_context
def show(ctx: click.Context, invoice_id: str, as_json: bool) -> None:
    """Show one invoice with its payments.

    \b
    Example:
      cloudpay invoice show INV-01J9…
    """
    with gateway_of(ctx) as gateway:
        show_one(invoice_answer(gateway, get_for_payer(gateway, invoice_id)), as_json=as_json)


@invoice.command("look-up")
@click.argument("invoice_id")
@click.option("--network", help="Look there alone; without it on all networks that share the address.")
@json_option
@click.pass_context
def look_up(ctx: click.Context, invoice_id: str, network: str | None, as_json: bool) -> None:
    """Look for money at an invoice's address that is no payment, or is stuck. Nothing is credited by it.

    An `unknown asset` is a token that is not listed, under the name that it gives itself: a counterfeit has a good
    name, too. What is `unexplained` lies there in a listed asset, and no payment tells of it; `cloudpay rescan`
    finds transfers that were missed. An `own transfer` came from a wallet of the merchant or another of its deposit
    addresses, which is no income. What is `stuck` cannot be collected from there now: its issuer has paused
    the token or blocked the address.

    \b
    Example:
      cloudpay invoice look-up INV-01J9…
    """
    with gateway_of(ctx) as gateway:
        found = look_up_strays(gateway, invoice_id, network)
    rows = [{**to_plain(each), "amount": _shown(each)} for each in found.strays]
    show_rows(
        rows, _STRAYS, as_json=as_json, empty="Nothing lies there that is no payment, and nothing is stuck."
    )
    for code, problem in found.problems.items():
        click.echo(f"{code} could not be looked at: {shown(problem)}", err=True)
    if found.problems:
        ctx.exit(1)


def _shown(stray: Stray) -> str:
    """Base units as a decimal where the decimals are known."""
    return str(stray.amount) if stray.decimals is None else format_amount(stray.amount, stray.decimals)


_reason = click.option("--reason", required=True, help="Why; the audit log keeps it.")


@invoice.command()
@click.argument("invoice_id")
@_reason
@click.pass_context
def settle(ctx: click.Context, invoice_id: str, reason: str) -> None:
    """Make a reversed invoice paid again, with the money that came back.

    It needs final payments that cover the invoice: resume the network first, and wait for them. No webhook tells of
    it, since a second `paid` would have the shop ship twice: tell the merchant.

    \b
    Example:
      cloudpay invoice settle INV-01J9… --reason "mined again, see the incident of Monday"
    """
    with gateway_of(ctx) as gateway:
        settled = settle_invoice(gateway, invoice_id, reason=reason, actor=actor())
    click.echo(
        f"{settled.id} is {settled.status.value}, by {settled.tx_hash or 'money without a transaction'}."
    )


@invoice.command("write-off")
@click.argument("invoice_id")
@_reason
@click.pass_context
def write_off(ctx: click.Context, invoice_id: str, reason: str) -> None:
    """Close a reversed invoice as cancelled. Its merchant is told; money that comes back later is kept, and is late.

    \b
    Example:
      cloudpay invoice write-off INV-01J9… --reason "the payer sends anew"
    """
    with gateway_of(ctx) as gateway:
        closed = write_off_invoice(gateway, invoice_id, reason=reason, actor=actor())
    click.echo(f"{closed.id} is {closed.status.value}.")
