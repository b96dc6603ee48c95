"""`cloudpay webhook`: deliveries, and sending one again."""

import click

from cloudpay.chains.gateway import Gateway
from cloudpay.cli.output import json_option, show_one, show_rows
from cloudpay.cli.session import actor, gateway_of
from cloudpay.kernel.paging import MAX_LIMIT, Paging
from cloudpay.merchants.service import list_merchants
from cloudpay.webhooks.redelivery import redeliver as send_again
from cloudpay.webhooks.service import UnknownDelivery, deliveries, get_delivery
from cloudpay.webhooks.states import DeliveryStatus

_COLUMNS = (
    "id",
    "event_type",
    "invoice_id",
    "status",
    "attempt_count",
    "next_attempt_at",
    "last_error",
    "url",
)


@click.group()
def webhook() -> None:
    """Look at webhook deliveries, send one again."""


@webhook.command("list")
@click.argument("merchant_id")
@click.option("--status", type=click.Choice([each.value for each in DeliveryStatus]), help="Only these.")
@click.option("--invoice", help="Only those about this invoice.")
@click.option(
    "--limit", type=click.IntRange(1, MAX_LIMIT), default=20, show_default=True, help="At most so many."
)
@json_option
@click.pass_context
def list_(
    ctx: click.Context, merchant_id: str, status: str | None, invoice: str | None, limit: int, as_json: bool
) -> None:
    """List a merchant's deliveries, newest first.

    \b
    Example:
      cloudpay webhook list mer_01J9… --status failed
    """
    with gateway_of(ctx) as gateway:
        page = deliveries(
            gateway,
            merchant_id,
            status=DeliveryStatus(status) if status else None,
            invoice_id=invoice,
            paging=Paging(limit=limit),
        )
    show_rows(page.items, _COLUMNS, as_json=as_json, empty="There is no such delivery.")


@webhook.command()
@click.argument("delivery_id")
@json_option
@click.pass_context
def redeliver(ctx: click.Context, delivery_id: str, as_json: bool) -> None:
    """Send a delivery again, from the beginning of its schedule.

    \b
    Example:
      cloudpay webhook redeliver whd_01J9…
    """
    with gateway_of(ctx) as gateway:
        merchant_id = _merchant_of(gateway, delivery_id)
        show_one(send_again(gateway, merchant_id, delivery_id, actor=actor()), as_json=as_json)


def _merchant_of(gateway: Gateway, delivery_id: str) -> str:
    """Find whose delivery it is: the operator sees all merchants, the service only one at a time."""
    for merchant in list_merchants(gateway):
        try:
            return get_delivery(gateway, merchant.id, delivery_id).merchant_id
        except UnknownDelivery:
            continue
    raise UnknownDelivery(delivery_id)
