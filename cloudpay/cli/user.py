"""`cloudpay user`: people who act for a merchant."""

import click

from cloudpay.cli.output import json_option, show_one, show_rows
from cloudpay.cli.session import actor, gateway_of
from cloudpay.merchants.states import Role
from cloudpay.merchants.users import create_user, list_users


@click.group()
def user() -> None:
    """People who act for a merchant."""


@user.command()
@click.argument("merchant_id")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    default=Role.OWNER.value,
    show_default=True,
    help="What they may do.",
)
@json_option
@click.pass_context
def create(ctx: click.Context, merchant_id: str, email: str, role: str, as_json: bool) -> None:
    """Add a user to a merchant.

    \b
    Example:
      cloudpay user create mer_01J9… ada@example.com --role operator
    """
    with gateway_of(ctx) as gateway:
        show_one(create_user(gateway, merchant_id, email, role=role, actor=actor()), as_json=as_json)


@user.command("list")
@click.argument("merchant_id")
@json_option
@click.pass_context
def list_(ctx: click.Context, merchant_id: str, as_json: bool) -> None:
    """List a merchant's users.

    \b
    Example:
      cloudpay user list mer_01J9…
    """
    with gateway_of(ctx) as gateway:
        columns = ("id", "email", "role", "created_at")
        show_rows(list_users(gateway, merchant_id), columns, as_json=as_json, empty="It has no user yet.")
