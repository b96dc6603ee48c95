"""`cloudpay key`: API keys."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click

from cloudpay.chains.gateway import Gateway
from cloudpay.cli.output import json_option, show_one, show_rows
from cloudpay.cli.session import actor, gateway_of
from cloudpay.kernel.errors import CloudPayError
from cloudpay.merchants.keys import NewKey, create_key, list_keys, revoke_key
from cloudpay.merchants.states import Scope
from cloudpay.payouts.limiting import set_limits

_PERIOD = re.compile(r"([1-9][0-9]{0,4})([hd])")
_USUAL = (Scope.READ, Scope.INVOICES_WRITE, Scope.WEBHOOKS_WRITE)


@click.group()
def key() -> None:
    """API keys: made, listed, revoked."""


@key.command()
@click.argument("merchant_id")
@click.option("--name", default="api", show_default=True, help="What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([each.value for each in Scope]),
    help="May be given again; default: all but payouts.",
)
@click.option("--expires", metavar="WHEN", help="As 90d, 12h or 2027-01-31T00:00Z; default: never.")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="CIDR",
    help="Where it may be used from; may be given again.",
)
@click.option("--limit", metavar="RATE", help="Its own rate limit, as '100 per minute'.")
@click.option(
    "--payout-limit",
    "payout_limits",
    multiple=True,
    metavar="RULE",
    help="What it may pay out, as USDT@evm=1000/day; may be given again (see cloudpay payout limit).",
)
@json_option
@click.pass_context
def create(
    ctx: click.Context,
    merchant_id: str,
    *,
    name: str,
    scopes: Sequence[str],
    expires: str | None,
    addresses: Sequence[str],
    limit: str | None,
    payout_limits: Sequence[str],
    as_json: bool,
) -> None:
    """Make a key. It is shown now and never again.

    \b
    Examples:
      cloudpay key create mer_01J9…
      cloudpay key create mer_01J9… --scope read --expires 90d --address 192.0.2.0/24 --limit "100 per minute"
    """
    with gateway_of(ctx) as gateway:
        made = create_key(
            gateway,
            merchant_id,
            name=name,
            scopes=scopes or _USUAL,
            expires_at=_moment(gateway, expires),
            addresses=addresses,
            rate_limit=limit,
            actor=actor(),
        )
        _limit(gateway, made, payout_limits)
    show_one(made.view, as_json=as_json, extra={"secret": made.secret})
    if not as_json:
        click.secho("\nKeep the secret now: it is not shown again.", bold=True)


@key.command("list")
@click.argument("merchant_id")
@json_option
@click.pass_context
def list_(ctx: click.Context, merchant_id: str, as_json: bool) -> None:
    """List a merchant's keys, revoked ones too.

    \b
    Example:
      cloudpay key list mer_01J9…
    """
    with gateway_of(ctx) as gateway:
        columns = ("id", "name", "hint", "scopes", "addresses", "expires_at", "revoked_at", "last_used_at")
        show_rows(list_keys(gateway, merchant_id), columns, as_json=as_json, empty="It has no key yet.")


@key.command()
@click.argument("merchant_id")
@click.argument("key_id")
@json_option
@click.pass_context
def revoke(ctx: click.Context, merchant_id: str, key_id: str, as_json: bool) -> None:
    """Make a key useless from now on.

    \b
    Example:
      cloudpay key revoke mer_01J9… key_01J9…
    """
    with gateway_of(ctx) as gateway:
        show_one(revoke_key(gateway, merchant_id, key_id, actor=actor()), as_json=as_json)


def _limit(gateway: Gateway, made: NewKey, rules: Sequence[str]) -> None:
    """Limit a key before its secret is shown; one whose limits cannot be read is useless from the start."""
    if not rules:
        return
    try:
        set_limits(gateway, made.view.merchant_id, rules, key_id=made.view.id, actor=actor())
    except CloudPayError:
        revoke_key(gateway, made.view.merchant_id, made.view.id, actor=actor())
        raise


def _moment(gateway: Gateway, text: str | None) -> datetime | None:
    """Read a period from now, by the database's clock, or a time in ISO 8601."""
    if text is None:
        return None
    if period := _PERIOD.fullmatch(text):
        hours = int(period[1]) * (24 if period[2] == "d" else 1)
        with gateway.db.read() as session:
            return gateway.clock.now(session) + timedelta(hours=hours)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter("write 90d, 12h or 2027-01-31T00:00Z", param_hint="--expires") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
