"""Reorganisations, killed processes and a flushed Redis while invoices are being paid: each is paid exactly once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from hexbytes import HexBytes
from redis import Redis

from tests.flows.receivers import VerifyingReceiver
from tests.flows.running import RunningDemo, wait_for

pytestmark = pytest.mark.flow

PROCESSES = ["web", "worker:watch", "worker:events", "worker:webhooks", "worker:send", "scheduler", "valkey"]


def assert_paid_once(demo: RunningDemo, endpoint: VerifyingReceiver, invoice: Mapping[str, Any]) -> None:
    """The invoice is paid with its own amount, and its webhook has arrived, under one event id."""
    paid = demo.wait_until(invoice["id"], "paid")
    assert paid["confirmed_amount"] == invoice["amount"]
    assert paid["exception"] is None
    wait_for("the webhook", lambda: "paid" in endpoint.statuses(invoice["id"]))
    sequences = {each["sequence"] for each in endpoint.of(invoice["id"]) if each["status"] == "paid"}
    assert len(sequences) == 1
    assert endpoint.refused == []


@pytest.mark.parametrize("depth", [1, 5])
def test_f30_a_reorg_while_an_invoice_is_paid(
    demo: RunningDemo, endpoint: VerifyingReceiver, depth: int
) -> None:
    invoice = demo.create("evm", "USDT", amount="7", callback_url=endpoint.url)
    web3 = demo.web3("evm")
    tx = HexBytes(demo.pay(invoice))
    demo.wait_until(invoice["id"], "confirming")
    raw = web3.eth.get_raw_transaction(tx).to_0x_hex()
    mined = web3.eth.get_transaction_receipt(tx)["blockNumber"]
    wait_for("depth", lambda: web3.eth.block_number >= mined + depth - 1)
    answer = web3.provider.make_request("anvil_reorg", [depth, [[raw, depth - 1]]])  # type: ignore[arg-type]  # anvil's
    assert "error" not in answer, answer
    assert_paid_once(demo, endpoint, invoice)


@pytest.mark.parametrize("name", PROCESSES)
def test_f110_each_process_killed_while_invoices_are_paid(
    demo: RunningDemo, endpoint: VerifyingReceiver, name: str
) -> None:
    before = demo.create("bsc", "BNB", amount="0.5", callback_url=endpoint.url)
    demo.pay(before)
    pid = demo.kill(name)
    during = demo.create("polygon", "USDT", amount="0.7", callback_url=endpoint.url)
    demo.pay(during)
    demo.wait_for_another(name, pid)
    for invoice in (before, during):
        assert_paid_once(demo, endpoint, invoice)


def test_f111_a_flushed_redis_loses_nothing(demo: RunningDemo, endpoint: VerifyingReceiver) -> None:
    invoices = [demo.create("evm", "ETH", amount="0.01", callback_url=endpoint.url) for _ in range(5)]
    for invoice in invoices:
        demo.pay(invoice)
        flush(demo)
    for invoice in invoices:
        assert_paid_once(demo, endpoint, invoice)


def test_metrics_and_health_are_served(demo: RunningDemo) -> None:
    base = demo.file["base_url"]
    assert requests.get(f"{base}/healthz", timeout=20).status_code == 200
    wait_for("readiness", lambda: requests.get(f"{base}/readyz", timeout=20).status_code == 200)
    assert "cloudpay_" in requests.get(f"{base}/metrics", timeout=20).text


def flush(demo: RunningDemo) -> None:
    """Flush the demo's Valkey, as an operator's mistake would."""
    [pid] = demo.file["processes"]["valkey"]
    title = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    found = re.search(r"(?:127\.0\.0\.1:|--port\0)([1-9][0-9]*)", title)
    assert found, title
    with Redis(host="127.0.0.1", port=int(found[1])) as redis:
        assert redis.flushall()
