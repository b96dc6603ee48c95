"""Everything that a run stands on: database, Valkey, a node, the merchant's endpoints, and a gateway's processes."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from cloudpay.app import valkey
from cloudpay.app.migrate import upgrade
from cloudpay.app.start import close_gateway, open_gateway
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import Database
from cloudpay.kernel.failpoints import VARIABLE, Failpoint
from cloudpay.kernel.secrets import SealKey, read_or_create_key
from cloudpay.kernel.settings import load_settings
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import create_merchant, webhook_secrets
from cloudpay.merchants.states import Scope
from cloudpay.wallets.setup import init_wallet
from tests.flows.running import wait_for
from tests.kills.endpoints import Endpoints, endpoints
from tests.kills.evm_ground import EvmGround
from tests.kills.forks import Forks
from tests.kills.ground import Ground
from tests.kills.roles import DEATHS, LISTENER
from tests.kills.seed import SEED

_ACTOR = "cli:kills"


class BundledValkey:
    """The bundled Valkey on a port of loopback, to be flushed, stopped and started."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._plan = valkey.plan(folder, port=port)
        self.url = self._plan.url
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(
            self._plan.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        wait_for("Valkey", self._answers, 20)

    def stop(self) -> None:
        """Kill it, as a crash does; what it held is gone."""
        self._process.kill()
        self._process.wait()

    def flush(self) -> None:
        """Empty it."""
        with Redis.from_url(self.url) as redis:
            redis.flushall()

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as redis:
                return bool(redis.ping())
        except RedisError:
            return False


@dataclass
class Stack:
    """A gateway whose processes are this run's to kill."""

    folder: Path
    gateway: Gateway
    merchant_id: str
    headers: Mapping[str, str]
    ground: Ground
    valkey: BundledValkey
    endpoints: Endpoints
    forks: Forks
    listener: socket.socket
    environment: Mapping[str, str]
    traces: bool
    logs: Path = field(init=False)

    def __post_init__(self) -> None:
        self.logs = self.folder / "processes.log"

    @property
    def api(self) -> str:
        """Where the merchant's API is."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/api"

    def start(self, role: str, failpoints: str = "") -> int:
        """Start a process; answer its id."""
        armed = {VARIABLE: failpoints} if failpoints else {}
        return self.forks.start(role, {**self.environment, **armed, DEATHS: str(self._deaths)}, self.logs)

    def died_at(self, pid: int) -> Failpoint | None:
        """Answer at which of its places a process has died by itself, or None."""
        lines = self._deaths.read_text("utf-8").splitlines() if self._deaths.exists() else []
        places = [Failpoint(place) for number, place in map(str.split, lines) if int(number) == pid]
        return places[-1] if places else None

    @property
    def _deaths(self) -> Path:
        return self.folder / "deaths"


@contextmanager
def open_stack(
    folder: Path,
    database_url: str,
    *,
    traces: bool,
    endpoint_count: int = 24,
    start: Callable[[], Ground] = EvmGround.start,
    network: Callable[[Ground], Mapping[str, Any]] = lambda _ground: {},
    currencies: Mapping[str, str] | None = None,
    tables: Mapping[str, Any] | None = None,
) -> Iterator[Stack]:
    """Start everything but the gateway's processes; `database_url` names an empty database, or is empty for SQLite.

    `network` answers what its table, and those of its assets, shall have otherwise; `currencies` are those of the
    merchant's payouts, `tables` further tables of the settings.
    """
    with ExitStack() as closing:
        ground = start()
        closing.callback(ground.stop)
        cache = BundledValkey(folder)
        closing.callback(cache.stop)
        listener = closing.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
        listener.set_inheritable(True)
        file = folder / "cloudpay.toml"
        table = {**ground.table(traces=traces), **network(ground)}
        file.write_text(
            _toml({**_settings(folder, database_url, cache.url, ground, table), **(tables or {})}), "utf-8"
        )
        if database_url:
            _migrate(database_url)
        gateway = open_gateway(load_settings(file, {}), process="kills")
        closing.callback(close_gateway, gateway)
        merchant_id, headers = _furnish(gateway, currencies or {})
        [secret, *_] = webhook_secrets(gateway, merchant_id)
        hooks = closing.enter_context(endpoints(secret, endpoint_count))
        forks = Forks(listener.fileno())
        closing.callback(forks.close)
        plain = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDPAY_")}
        environment = {**plain, "CLOUDPAY_CONFIG": str(file), LISTENER: str(listener.fileno())}
        yield Stack(
            folder, gateway, merchant_id, headers, ground, cache, hooks, forks, listener, environment, traces
        )


def _settings(
    folder: Path, database_url: str, redis_url: str, ground: Ground, changes: Mapping[str, Any]
) -> dict[str, Any]:
    more, dev = changes.get("assets", {}), ground.chain.network
    assets = {
        symbol: {
            "decimals": asset.decimals,
            **({"contract": asset.token_address} if asset.token_address else {}),
            **more.get(symbol, {}),
        }
        for symbol, asset in dev.assets.items()
    }
    network = {
        "family": dev.family, "live": False, "rpc_urls": [dev.rpc_url], "native": ground.native,
        "poll_seconds": 0.1, "stalled_after_seconds": 600, **changes, "assets": assets,
    }  # fmt: skip
    return {
        "data_dir": str(folder),
        "database_url": database_url,
        "redis_url": redis_url,
        "limits": {"per_key": "1000000 per second", "per_address": "1000000 per second"},
        "log": {"level": "warning"},
        "webhooks": {"allow_private_targets": True, "timeout_seconds": 2},
        "leases": {"events_seconds": 0.5, "webhooks_seconds": 0.5},
        "networks": {ground.code: network},
        "default_network": ground.code,
    }


def _migrate(url: str) -> None:
    database = Database(url)
    upgrade(database)
    database.close()


def _furnish(gateway: Gateway, currencies: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    seal = SealKey(read_or_create_key(gateway.settings.seal_key_path))
    init_wallet(gateway, seal, mnemonic=SEED, accounts=2, actor=_ACTOR)
    merchant = create_merchant(
        gateway, "Tea Shop", livemode=False, payout_currencies=currencies, actor=_ACTOR
    )
    key = create_key(gateway, merchant.id, name="shop", scopes=[*Scope], actor=_ACTOR)
    return merchant.id, {"x-api-key": key.secret, "merchant-id": merchant.id}


def _toml(table: Mapping[str, Any], path: str = "") -> str:
    """JSON's scalars and lists are TOML's too."""
    plain = [f"{key} = {json.dumps(value)}" for key, value in table.items() if not isinstance(value, dict)]
    inner = [
        _toml(value, f"{path}.{key}".lstrip(".")) for key, value in table.items() if isinstance(value, dict)
    ]
    return "\n".join([*([f"[{path}]"] if path else []), *plain, *inner])


def log_tail(stack: Stack, lines: int = 40) -> str:
    """The last lines that the processes logged."""
    found = stack.logs.read_text("utf-8", "replace").splitlines() if stack.logs.exists() else []
    return "\n".join(found[-lines:])


def pause(seconds: float) -> None:
    """Let the processes work undisturbed for a moment: part of what a run does, not a wait for something."""
    time.sleep(seconds)
