"""`cloudpay web`, `worker` and `scheduler`: the processes of a gateway, one by one."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

import click

from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.cli import fail
from cloudpay.cli.settings import export_config, settings_of
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.loading import loading

QUEUES = ("watch", "events", "webhooks", "send")


@click.command()
@click.option("--prepared", is_flag=True, hidden=True, help="The start was checked by the caller.")
@click.pass_context
def web(ctx: click.Context, prepared: bool) -> None:
    """Run the web server: the merchants' API and the payers' pages.

    \b
    Examples:
      cloudpay web
      CLOUDPAY_WEB__PORT=9000 CLOUDPAY_WEB__WORKERS=4 cloudpay web
    """
    from cloudpay.app.web import check_start, serve

    export_config(ctx)
    try:
        settings = settings_of(ctx)
        if not prepared:
            check_start()
        serve(settings.web)
    except ConfigurationError as error:
        fail(error.message, CONFIGURATION_EXIT)


@click.command()
@click.argument("queues", metavar="QUEUE...", nargs=-1, required=True, type=click.Choice(QUEUES))
@click.option("--schedule", is_flag=True, help="Do the scheduler's work too, in a thread of this process.")
@click.pass_context
def worker(ctx: click.Context, queues: tuple[str, ...], schedule: bool) -> None:
    """Run the worker of some queues: watch (the chains), events (what follows from them), webhooks, send (payouts).

    Each queue has its own threads, whichever share a process. Only `send` opens the seed, so it should have a process,
    and best a user, of its own. Run as many as you like; they share the networks out among themselves.

    \b
    Examples:
      cloudpay worker watch
      cloudpay worker send
      cloudpay worker events webhooks --schedule
    """
    _work(ctx, queues, schedule=schedule)


@click.command()
@click.pass_context
def scheduler(ctx: click.Context) -> None:
    """Run what is due now and then: expiry, sweeping up lost nudges, forgetting what is old.

    A second one waits until the first is gone.

    \b
    Example:
      cloudpay scheduler
    """
    _work(ctx, (), schedule=True)


def _work(ctx: click.Context, queues: Sequence[str], *, schedule: bool) -> NoReturn:
    """Work in this process until it is told to stop."""
    with loading():
        from cloudpay.app.scheduler import Scheduler
        from cloudpay.app.start import close_gateway, open_gateway
        from cloudpay.app.worker import Worker
        from cloudpay.wiring import SCHEDULE, loops

        try:
            gateway = open_gateway(settings_of(ctx), process=f"worker:{','.join(queues) or 'schedule'}")
        except ConfigurationError as error:
            fail(error.message, CONFIGURATION_EXIT)
    unwoken = [partial(Scheduler, schedule=SCHEDULE)] if schedule else []
    work = Worker(gateway, {queue: loops(gateway, queue) for queue in queues}, unwoken)
    code = work.run()
    if work.failure is not None:
        fail(work.failure.message, code)
    if code == 0:
        close_gateway(gateway)  # never under a loop that is still at work
    sys.exit(code)


@click.command()
@click.pass_context
def prepare(ctx: click.Context) -> None:
    """Open the gateway once, and migrate the embedded database; for `up` and `web`."""
    try:
        with loading():
            from cloudpay.app.start import close_gateway, open_gateway

            close_gateway(open_gateway(settings_of(ctx), process="prepare"))
    except ConfigurationError as error:
        fail(error.message, CONFIGURATION_EXIT)
