"""`cloudpay up`: the whole gateway on one machine, supervised."""

import subprocess
import sys
import threading
from collections.abc import Mapping

import click

from cloudpay.app import valkey
from cloudpay.app.exits import CONFIGURATION_EXIT
from cloudpay.app.signals import stop_signals
from cloudpay.app.supervisor import Program, Supervisor
from cloudpay.cli.settings import export_config, settings_of
from cloudpay.kernel import log
from cloudpay.kernel.errors import ConfigurationError
from cloudpay.kernel.settings import Settings


@click.command()
@click.pass_context
def up(ctx: click.Context) -> None:
    """Run the whole gateway: web server, workers, scheduler and, unless redis_url names one, a private Valkey.

    What dies is started again. Ctrl-C or SIGTERM stops everything.

    \b
    Examples:
      cloudpay up
      cloudpay --config /etc/cloudpay.toml up
    """
    export_config(ctx)
    settings = settings_of(ctx)
    log.configure(level=settings.log.level, json=settings.log.format == "json")
    if not settings.networks:
        raise ConfigurationError(
            "No network is configured, so there is nothing to watch. Add a table such as [networks.evm] with rpc_urls "
            "to cloudpay.toml; see docs/reference/settings.md."
        )
    prepare()
    stop = threading.Event()
    with stop_signals(stop.set):
        click.echo(f"CloudPay starts at {settings.web.url}  (Ctrl-C stops it)", err=True)
        sys.exit(Supervisor(programs(settings)).run(stop))


def programs(settings: Settings, *, redis_port: int | None = None) -> list[Program]:
    """Answer what a whole gateway consists of."""
    found: list[Program] = []
    environment: Mapping[str, str] = {}
    if not settings.redis_url:
        server = valkey.plan(settings.data_path, port=redis_port)
        found.append(Program("valkey", server.command, stage=1))
        environment = {"CLOUDPAY_REDIS_URL": server.url}
    found.append(Program("web", cloudpay("web", "--prepared"), environment))
    found.append(Program("worker:watch", cloudpay("worker", "watch"), environment))
    # A process of its own: no other one ever has a key in its memory.
    found.append(Program("worker:send", cloudpay("worker", "send"), environment))
    # One process for what follows from the chains, in threads of their own: each further one would cost 70 MB.
    rest = cloudpay("worker", "events", "webhooks", "--schedule")
    found.append(
        Program("workers", rest, environment, roles=("worker:events", "worker:webhooks", "scheduler"))
    )
    return found


def prepare(environment: Mapping[str, str] | None = None) -> None:
    """Check the settings and migrate the embedded database, in a process of its own: this one stays small."""
    done = subprocess.run(cloudpay("prepare"), env=environment, check=False)
    if done.returncode != 0:
        sys.exit(1 if done.returncode == CONFIGURATION_EXIT else done.returncode)


def cloudpay(*arguments: str) -> list[str]:
    """Answer the command line of another process of this gateway."""
    return [sys.executable, "-m", "cloudpay.cli", *arguments]
