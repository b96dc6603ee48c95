"""A gateway to shoot at: its own database and Valkey, and the web server exactly as `cloudpay web` runs it."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from cloudpay.app import valkey
from cloudpay.app.migrate import upgrade
from cloudpay.app.start import close_gateway, open_gateway
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.db import Database
from cloudpay.kernel.secrets import SealKey, read_or_create_key
from cloudpay.kernel.settings import load_settings
from cloudpay.ledger.outgoing import Funding, post_funding
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import create_merchant
from cloudpay.merchants.states import Scope
from cloudpay.payments.models import NetworkRow
from cloudpay.payments.states import NetworkStatus
from cloudpay.transactions.models import FeeQuoteRow
from cloudpay.wallets.setup import init_wallet
from cloudpay.webhooks.service import enqueue

START_SECONDS = 40.0
ACTOR = "cli:test"
PAYEE = "0x742d35Cc6634C0532925a3b844Bc454e4438f44e"
"""Whom everybody pays."""
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


class Answer(NamedTuple):
    """One answer; header names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What the body says."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Tenant:
    """One merchant with a key of every scope, an invoice, a webhook delivery, and a payout that waits."""

    merchant_id: str
    api_key: str
    livemode: bool
    invoice_id: str = ""
    delivery_id: str = ""
    payout_id: str = ""
    batch_id: str = ""
    external_id: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What its requests carry."""
        return {"x-api-key": self.api_key, "merchant_id": self.merchant_id}


@dataclass
class House:
    """A running web server, and the gateway behind it as this process sees it."""

    gateway: Gateway
    port: int
    settings_file: Path
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.port}"

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request on a connection of its own; an iterable body goes out in chunks, without a length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            chunked = body is not None and not isinstance(body, bytes)
            connection.request(method, path, body, dict(headers or {}), encode_chunked=chunked)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())
        finally:
            connection.close()

    def tenant(self, name: str, *, live: bool = False) -> Tenant:
        """Open a merchant's account, and give it something to ask for."""
        merchant = create_merchant(self.gateway, name, livemode=live, payout_currencies={}, actor=ACTOR)
        key = create_key(self.gateway, merchant.id, name="all", scopes=[*Scope], actor=ACTOR)
        tenant = Tenant(merchant.id, key.secret, live)
        invoice_id = self.invoice(tenant)
        delivery_id = self.delivery(tenant, invoice_id)
        return replace(tenant, invoice_id=invoice_id, delivery_id=delivery_id, **self.payout(tenant))

    def invoice(self, tenant: Tenant, **fields: Any) -> str:
        """Create an invoice as its program would; answers its id."""
        network, currency = ("polygon", "POL") if tenant.livemode else ("evm", "ETH")
        wanted = {"amount": "1", "currency": currency, "network": network, **fields}
        wanted |= {"customer_name": "John Doe", "notification_emails": "john@example.com"}
        answer = self.send("POST", "/api/invoice", tenant.headers, json.dumps(wanted).encode())
        assert answer.status == 201, answer
        return str(answer.json["id"])

    def payout(self, tenant: Tenant) -> dict[str, Any]:
        """Fund the master wallet and ask for a payout, which waits; answers its ids."""
        network, currency = ("polygon", "POL") if tenant.livemode else ("evm", "ETH")
        came = Funding(
            network, secrets.token_hex(8), "0xmaster", "", 0, tenant.merchant_id, tenant.livemode, 10**21
        )
        with self.gateway.db.transaction() as session:
            post_funding(session, came, self.gateway.clock.now(session))
        item = {"address": PAYEE, "amount": "0.001", "currency": currency, "network": network}
        body = {"items": [{**item, "id": f"REF_{secrets.token_hex(8)}"}]}
        answer = self.send("POST", "/api/user/payouts/bulk/api", tenant.headers, json.dumps(body).encode())
        assert answer.status == 201, answer
        made = answer.json["items"][0]
        return {
            "payout_id": made["payout_id"],
            "batch_id": made["batch_id"],
            "external_id": made["id"],
        }

    def delivery(self, tenant: Tenant, invoice_id: str, url: str = "https://shop.example/hook") -> str:
        """Queue a webhook, which nobody sends here; answers the delivery's id."""
        enqueue(
            self.gateway,
            event_id=f"evt_{secrets.token_hex(8)}",
            event_type="invoice.paid",
            merchant_id=tenant.merchant_id,
            livemode=tenant.livemode,
            invoice_id=invoice_id,
            url=url,
            body='{"status":"paid"}',
        )
        answer = self.send("GET", "/api/webhook/deliveries?limit=1", tenant.headers)
        return str(answer.json["items"][0]["id"])

    def command(self, *arguments: str) -> list[str]:
        """A `cloudpay` command on this gateway's settings."""
        return [sys.executable, "-m", "cloudpay.cli", "--config", str(self.settings_file), *arguments]


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
