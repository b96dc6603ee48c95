"""`cloudpay openapi`: the document that /api/openapi.json answers."""

import json

import click

from cloudpay.app.http import build
from cloudpay.app.openapi import document
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import Chains
from cloudpay.cli.settings import settings_of
from cloudpay.kernel.clock import DatabaseClock
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import KEY_BYTES, AppKey


@click.command()
@click.pass_context
def openapi(ctx: click.Context) -> None:
    """Print the OpenAPI 3.1 document; needs neither database nor nodes.

    \b
    Example:
      cloudpay openapi > openapi.json
    """
    settings = settings_of(ctx)
    gateway = Gateway(
        settings=settings,
        db=Database("sqlite://"),
        clock=DatabaseClock(),
        chains=Chains([], settings.default_network),
        app_key=AppKey(bytes(KEY_BYTES)),  # nothing is sealed or hashed here
    )
    click.echo(json.dumps(document(build(gateway)), indent=2, ensure_ascii=False))
