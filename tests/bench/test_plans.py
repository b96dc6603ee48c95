"""The statements that run all the time find their rows by an index: their cost does not grow with the history."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from bench.filling import fill
from bench.shops import Shop
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.change import expire_due
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.merchants import idempotency
from cloudpay.merchants.keys import NewKey
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import MerchantView
from cloudpay.outbox import service as outbox
from cloudpay.outbox.abandoned import release_abandoned as release_abandoned_events
from cloudpay.payments.health import verify
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FakePlugin, FixedClock
from cloudpay.webhooks.claims import claim_due, next_due_in, release_abandoned
from cloudpay.webhooks.pruning import prune as prune_webhooks
from cloudpay.wiring import EVENT_HANDLERS
from cloudpay.wiring.watchdog import look_for_trouble
from tests.bench.plans import Statements, recorded, whole_tables

pytestmark = pytest.mark.timeout(120)

_HISTORY = 20_000
"""Enough invoices for PostgreSQL to find an index cheaper than the table."""
_BODY = {
    "amount": "10",
    "network": "evm",
    "customer_name": "John Doe",
    "notification_emails": "shop@example.com",
    "callback_url": "https://shop.example.com/hook",
}


@pytest.fixture
def run_all(
    gateway: Gateway,
    fakes: FakePlugin,
    clock: FixedClock,
    merchant: MerchantView,
    key: NewKey,
    headers: dict[str, str],
    client: FlaskClient,
) -> Callable[[], Statements]:
    """Fill the tables; then let an invoice be made, paid, shown, told and forgotten, and answer what was asked."""
    principal = Principal(key.view.id, merchant.id, livemode=False, scopes=frozenset())
    adapter = gateway.chains.adapter("evm")
    keeper = LeaseKeeper(gateway.db, gateway.clock, "watch:evm", "test", timedelta(hours=1))
    watcher = Watcher(gateway, gateway.chains.network("evm"), adapter, keeper)
    verify(gateway, watcher.network, adapter)
    watcher.poll()
    fill(Shop(gateway, merchant.id, key.secret, principal), _HISTORY)

    def call(method: str, path: str, body: object = None, **more: str) -> dict[str, str]:
        answer = client.open(path, method=method, json=body, headers={**headers, **more})
        assert answer.status_code in range(200, 300), answer.text
        return dict(json.loads(answer.text)) if answer.is_json else {}

    def run() -> Statements:
        chain = fakes.chains["evm"]
        with recorded(gateway.db) as found:
            for currency in ("USDT", "ETH"):
                made = call(
                    "POST", "/api/invoice", {**_BODY, "currency": currency}, **{"Idempotency-Key": currency}
                )
                contract = gateway.chains.find_asset(currency, "evm").contract
                chain.send(made["address_in"], 1_000, contract)
                chain.mine(20)
                watcher.poll()
                outbox.drain(gateway, EVENT_HANDLERS)
                call("GET", f"/api/invoice/{made['id']}")
                call("GET", f"/pay/{made['id']}")
            for query in ("", "?status=pending", "?page=2"):
                call("GET", f"/api/invoice{query}")
            call("GET", "/api/webhook/deliveries")
            call("GET", "/metrics")
            call("GET", "/healthz")
            claim_due(gateway, 8, Counter(), 4)
            next_due_in(gateway)
            expire_due(gateway)
            look_for_trouble(gateway)
            outbox.backlog(gateway)
            outbox.prune(gateway)
            idempotency.prune(gateway)
            prune_webhooks(gateway)
            release_abandoned(gateway)
            release_abandoned_events(gateway)
        return found

    return run


def test_what_runs_all_the_time_goes_through_no_growing_table(
    gateway: Gateway, run_all: Callable[[], Statements]
) -> None:
    statements = run_all()
    assert len(statements) > 30
    assert whole_tables(gateway.db.engine, statements) == []


@pytest.mark.usefixtures("run_all")  # for what it fills
def test_a_scan_would_be_seen(gateway: Gateway) -> None:
    statement = "SELECT id FROM invoices WHERE customer_name = 'John Doe'"
    assert whole_tables(gateway.db.engine, {statement: ()}) == [f"invoices: {statement}"]
