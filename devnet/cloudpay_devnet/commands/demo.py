"""`cloudpay demo`: development chains, a gateway over them, and a merchant with a key."""

import os
import sys
import threading
from pathlib import Path

import click

from cloudpay.kernel.errors import ConfigurationError
from cloudpay_devnet.chains import CHAINS
from cloudpay_devnet.commands.demo_file import DEFAULT_DIR
from cloudpay_devnet.commands.demo_folder import demo_folder

_NETWORKS = ",".join(CHAINS)
_KEPT_VARIABLES = {"CLOUDPAY_ANVIL"}


@click.command()
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"Folder for everything, kept and used again; without it {DEFAULT_DIR}, emptied at each start.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one."
)
@click.option("--networks", default=_NETWORKS, show_default=True, help="Which chains to start.")
@click.option(
    "--block-time",
    type=click.FloatRange(min=0.05),
    default=1.0,
    show_default=True,
    help="Seconds between blocks.",
)
@click.option(
    "--database-url", help="An empty PostgreSQL database for the demo; without it SQLite in the folder."
)
@click.option(
    "--faults",
    is_flag=True,
    help="Put fault proxies before the nodes, for `cloudpay devnet fault`; TRON's node has faults of its own.",
)
def demo(
    data_dir: Path | None,
    port: int,
    networks: str,
    block_time: float,
    database_url: str | None,
    faults: bool,
) -> None:
    """Run a whole gateway with local chains, a funded payer, a merchant and an API key.

    Nothing leaves this machine, and none of the money is real. Ctrl-C stops it.

    \b
    Examples:
      cloudpay demo
      cloudpay demo --port 9000 --networks evm,polygon --block-time 0.5
      cloudpay demo --data-dir ./my-demo
      cloudpay demo --faults
    """
    from cloudpay.app.signals import stop_signals
    from cloudpay_devnet.commands.demo_run import DemoRun, listening_port

    for variable in [name for name in os.environ if name.startswith("CLOUDPAY_")]:
        if variable not in _KEPT_VARIABLES:
            del os.environ[variable]  # the demo must never touch the database of a real gateway
    names = [name.strip().lower() for name in networks.split(",") if name.strip()]
    if not names:
        raise ConfigurationError("--networks names no network; write for example --networks evm,bsc.")
    stop = threading.Event()
    with demo_folder(data_dir) as folder, stop_signals(stop.set):
        run = DemoRun(
            folder,
            names,
            port=listening_port(port),
            block_time=block_time,
            database_url=database_url or "",
            faults=faults,
        )
        sys.exit(run.run(stop))
