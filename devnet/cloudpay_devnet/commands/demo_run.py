"""Running the demo: chains first, then the gateway, then the file that says that all is ready."""

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import requests

from cloudpay.app.ports import free_port, require_free
from cloudpay.app.supervisor import Pids, Supervisor
from cloudpay.cli.up import programs
from cloudpay.kernel import log
from cloudpay.kernel.settings import load_settings
from cloudpay_devnet.commands.demo_file import DemoFile
from cloudpay_devnet.commands.guide import guide
from cloudpay_devnet.fleet import Devnet
from cloudpay_devnet.networks import Kind

if TYPE_CHECKING:
    from cloudpay_devnet.commands.demo_gateway import Prepared

_PROXIES = 2
_NO_PROXY = (
    "No fault proxy stands before {name}: its node fails by itself, see `cloudpay devnet fault --help`."
)
_LONG_SECONDS = 10.0  # that a master wallet's first money may take until it is final
_READY_SECONDS = 60.0
_LOOK_EVERY = 0.1


class DemoRun:
    """One run of the demo."""

    def __init__(
        self,
        folder: Path,
        networks: Sequence[str],
        *,
        port: int,
        block_time: float,
        database_url: str = "",
        faults: bool = False,
    ) -> None:
        self._folder = folder
        self._faults = faults
        self._proxies: dict[str, list[str]] = {}
        self._names = networks
        self._port = port
        self._block_time = block_time
        self._database_url = database_url
        self._file = DemoFile(folder)
        self._lock = threading.Lock()
        self._ready = False
        self._pids: Pids = {}

    def run(self, stop: threading.Event) -> int:
        """Run until `stop`; answers the exit code."""
        log.configure(level="warning", json=False)
        click.echo(f"Starting {', '.join(self._names)} and a gateway in {self._folder} …", err=True)
        with ThreadPoolExecutor(1) as pool:
            starting = pool.submit(
                Devnet.start, self._names, block_time=self._block_time, data_dir=self._folder / "chains"
            )
            # The database's libraries take about as long to load as the nodes to start.
            from cloudpay_devnet.commands.demo_gateway import prepare, write_settings

        with starting.result() as devnet, ExitStack() as stack:
            self._devnet = devnet
            if self._faults:
                self._stand_in_front(stack)
            settings_file = write_settings(
                self._folder,
                devnet.networks,
                port=self._port,
                block_time=self._block_time,
                database_url=self._database_url,
                proxies=self._proxies,
            )
            os.environ["CLOUDPAY_CONFIG"] = str(settings_file.absolute())
            settings = load_settings(settings_file, {})
            self._prepared = prepare(settings_file)
            supervisor = Supervisor(programs(settings, redis_port=free_port()), changed=self._changed)
            watcher = threading.Thread(target=self._watch, args=(stop,), name="demo")
            watcher.start()
            try:
                return supervisor.run(stop)
            finally:
                stop.set()
                watcher.join()
                self._file.remove()

    def _stand_in_front(self, stack: ExitStack) -> None:
        """Put proxies in front of nodes that speak JSON-RPC: two, so that the gateway has one to fail over to."""
        from cloudpay_devnet.faultproxy import FaultProxy

        for name, network in self._devnet.networks.items():
            if network.kind is not Kind.EVM:
                click.echo(_NO_PROXY.format(name=name), err=True)
                continue
            made = [stack.enter_context(FaultProxy(network.rpc_url)) for _ in range(_PROXIES)]
            self._proxies[name] = [each.url for each in made]

    def _fund(self, master_wallets: Mapping[str, str]) -> None:
        """Send coins and tokens to master wallets that have none, once the gateway reads the blocks they come in."""
        for name, chain in self._devnet.chains.items():
            network, wallet = chain.network, master_wallets[name]
            missing = [symbol for symbol in network.assets if chain.balance(symbol, wallet) == 0]
            for symbol in missing:
                asset = network.assets[symbol]
                chain.fund(wallet, symbol, asset.purse * 10**asset.decimals)
            if missing and network.confirmations * self._block_time > _LONG_SECONDS:
                chain.node.mine(network.confirmations + 1)  # or nothing could be paid out for as long

    def _watch(self, stop: threading.Event) -> None:
        """Say when all is ready; afterwards start a node again that died."""
        waited = 0.0
        while not stop.wait(_LOOK_EVERY):
            if not self._ready and self._is_ready():
                self._fund(self._prepared.master_wallets)
                self._ready = True
                self._write()
                click.echo(guide(self._folder, self._prepared.access, self._names[0]))
            elif not self._ready and (waited := waited + _LOOK_EVERY) > _READY_SECONDS:
                click.echo("The gateway did not become ready; the lines above say why.", err=True)
                stop.set()
            self._tend_nodes()

    def _is_ready(self) -> bool:
        """All processes run, and every network takes invoices."""
        try:
            answer = requests.get(f"{self._prepared.access.base_url}/readyz", timeout=2)
        except requests.RequestException:
            return False
        return bool(answer.status_code == requests.codes.ok and answer.json()["status"] == "ready")

    def _tend_nodes(self) -> None:
        for chain in self._devnet.chains.values():
            if not chain.node.alive:
                chain.node.restart()
                self._write()

    def _changed(self, pids: Pids) -> None:
        self._pids = pids
        self._write()

    def _write(self) -> None:
        """Write the file anew, once all was ready and until the end."""
        with self._lock:
            if not self._ready or not self._pids:
                return
            nodes = {f"node:{name}": [chain.node.pid] for name, chain in self._devnet.chains.items()}
            processes = {name: list(pids) for name, pids in self._pids.items()} | nodes
            prepared: Prepared = self._prepared
            networks, wallets = self._devnet.networks, prepared.master_wallets
            self._file.write(prepared.access, networks, wallets, processes, self._proxies)


def listening_port(port: int) -> int:
    """The port to listen on, 0 for a free one; raises PortTaken."""
    if port == 0:
        return free_port()
    require_free("127.0.0.1", port)
    return port
