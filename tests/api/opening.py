"""Run a gateway to shoot at: its own settings, database and Valkey, and a wallet and networks that look alive."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cloudpay.app import valkey
from cloudpay.app.migrate import upgrade
from cloudpay.app.start import close_gateway, open_gateway
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import SealKey, read_or_create_key
from cloudpay.kernel.settings import load_settings
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.states import NetworkStatus
from cloudpay.transactions.models import FeeQuoteRow
from cloudpay.wallets.setup import init_wallet
from tests.api.house import ACTOR, House

START_SECONDS = 40.0
UNREACHED = "1000000 per second"
"""A rate limit that is counted as always, and never reached."""

_SETTINGS = """
data_dir = "{folder}"
database_url = "{database_url}"
redis_url = "{redis_url}"
default_network = "evm"

[web]
port = {port}
workers = {workers}
{web}

[limits]
{limits}

[rates.fixed]
ETH = "2500"
POL = "0.5"
USDT = "1.00"

[log]
level = "{log_level}"
format = "json"

[networks.evm]
live = false
rpc_urls = ["{rpc_url}"]
stalled_after_seconds = 1000000

[networks.polygon]
live = true
rpc_urls = ["{rpc_url}"]
stalled_after_seconds = 1000000
"""


@contextmanager
def open_house(
    folder: Path,
    database_url: str | None,
    *,
    workers: int = 1,
    limits: Mapping[str, str] | None = None,
    web: str = "",
    log_level: str = "info",
    rpc_url: str = "http://127.0.0.1:9/",
    serve: tuple[str, ...] = ("web", "--prepared"),
    words: str | None = None,
) -> Iterator[House]:
    """Run a gateway until the end of the block; without `limits` none is ever reached, though each is counted.

    `serve` is the command that runs it: the web server alone, or the whole of it with `up`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    redis, port = valkey.plan(folder), free_port()
    chosen = {
        "per_key": UNREACHED,
        "per_address": UNREACHED,
        "failed_keys_per_address": UNREACHED,
        **(limits or {}),
    }
    file = folder / "cloudpay.toml"
    file.write_text(
        _SETTINGS.format(
            folder=folder,
            database_url=database_url or "",
            redis_url=redis.url,
            port=port,
            workers=workers,
            web=web,
            limits="\n".join(f'{name} = "{each}"' for name, each in chosen.items()),
            log_level=log_level,
            rpc_url=rpc_url,
        ),
        encoding="utf-8",
    )
    if database_url:
        database = Database(database_url)
        upgrade(database)
        database.close()
    gateway = open_gateway(load_settings(file, {}), process="test")
    house = House(gateway, port, file, folder / "web.log")
    try:
        _furnish(gateway, words)
        socket_path = redis.url.removeprefix("unix://")
        with _running(redis.command, folder / "valkey.out", lambda: Path(socket_path).exists()):
            ready = lambda: _answers(house)  # noqa: E731
            with _running(house.command(*serve), house.log, ready) as house.process:
                yield house
    finally:
        close_gateway(gateway)


def _furnish(gateway: Gateway, words: str | None) -> None:
    """A wallet for addresses, networks that look as if a watcher had just read them, and what sending costs there."""
    seal = SealKey(read_or_create_key(gateway.settings.seal_key_path))
    init_wallet(gateway, seal, mnemonic=words, accounts=8, actor=ACTOR)
    with gateway.db.transaction() as session:
        now = gateway.clock.now(session)
        for network in gateway.chains:
            row = NetworkRow(code=network.code, status=NetworkStatus.ACTIVE.value, reason="", answered_at=now)
            session.add(row)
            session.add_all(
                FeeQuoteRow(network=network.code, tier=tier.value, asset=asset.key, fee=10**12, quoted_at=now)
                for asset in network.assets
                for tier in FeeTier
            )


@contextmanager
def _running(
    command: Iterable[str], log: Path, ready: Callable[[], bool]
) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDPAY_")}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            list(command), stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=environment
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.02)  # between two looks
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(house: House) -> bool:
    try:
        return house.send("GET", "/healthz").status == 200
    except OSError:
        return False


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
