"""A gateway to shoot at: the web server exactly as `cloudpay web` runs it, and what merchants have there."""

import http.client
import json
import secrets
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.outgoing import Funding, post_funding
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import create_merchant
from cloudpay.merchants.states import Scope
from cloudpay.webhooks.service import enqueue

ACTOR = "cli:test"
PAYEE = "0x742d35Cc6634C0532925a3b844Bc454e4438f44e"
"""Whom everybody pays."""


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
