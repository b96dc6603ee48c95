"""`cloudpay invoice`: look at invoices."""

import click

from cloudpay.cli.output import json_option, show_one, show_rows
from cloudpay.cli.session import gateway_of
from cloudpay.invoices.rendering import invoice_answer
from cloudpay.invoices.service import Filters, get_for_payer, list_invoices
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.paging import MAX_LIMIT, Paging
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import get_merchant

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


@click.group()
def invoice() -> None:
    """Look at invoices."""


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
