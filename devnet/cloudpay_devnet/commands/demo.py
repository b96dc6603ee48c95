"""`cloudpay demo`: development chains, a gateway over them, and a merchant with a key."""

import os
import shutil
import sys
import threading
from pathlib import Path

import click

from cloudpay.kernel.errors import ConfigurationError
from cloudpay_devnet.commands.demo_file import DEFAULT_DIR, FILE_NAME, read_demo
from cloudpay_devnet.errors import DevnetError

_MARK = ".cloudpay-demo"
_NETWORKS = "evm,bsc,polygon"
_KEPT_VARIABLES = {"CLOUDPAY_ANVIL"}


class FolderInUse(DevnetError):
    """The folder is not this demo's to use."""

    code = "folder_in_use"


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
def demo(
    data_dir: Path | None, port: int, networks: str, block_time: float, database_url: str | None
) -> None:
    """Run a whole gateway with local chains, a funded payer, a merchant and an API key.

    Nothing leaves this machine, and none of the money is real. Ctrl-C stops it.

    \b
    Examples:
      cloudpay demo
      cloudpay demo --port 9000 --networks evm,polygon --block-time 0.5
      cloudpay demo --data-dir ./my-demo
    """
    from cloudpay.app.signals import stop_signals
    from cloudpay_devnet.commands.demo_run import DemoRun, listening_port

    for variable in [name for name in os.environ if name.startswith("CLOUDPAY_")]:
        if variable not in _KEPT_VARIABLES:
            del os.environ[variable]  # the demo must never touch the database of a real gateway
    folder = _folder(data_dir)
    names = [name.strip().lower() for name in networks.split(",") if name.strip()]
    if not names:
        raise ConfigurationError("--networks names no network; write for example --networks evm,bsc.")
    run = DemoRun(
        folder, names, port=listening_port(port), block_time=block_time, database_url=database_url or ""
    )
    stop = threading.Event()
    with stop_signals(stop.set):
        sys.exit(run.run(stop))


def _folder(data_dir: Path | None) -> Path:
    """Make the folder ready; only a folder that a demo made is ever emptied."""
    folder = data_dir or DEFAULT_DIR
    if _is_running(folder):
        raise FolderInUse(f"A demo runs in {folder} already. Stop it, or choose another --data-dir.")
    if data_dir is None and folder.exists():
        if not (folder / _MARK).exists():
            raise FolderInUse(f"{folder} was not made by a demo. Move it away, or choose a --data-dir.")
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / _MARK).touch()
    (folder / ".gitignore").write_text("*\n")
    (folder / FILE_NAME).unlink(missing_ok=True)
    return folder


def _is_running(folder: Path) -> bool:
    if not (folder / FILE_NAME).exists():
        return False
    for pid in (pid for pids in read_demo(folder)["processes"].values() for pid in pids):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        except PermissionError:
            return True
        return True
    return False
