"""The published page, word for word, against a running gateway and real nodes."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.flows.receivers import VerifyingReceiver, php_receiver
from tests.flows.running import CLOUDPAY, RunningDemo, wait_for

pytestmark = pytest.mark.flow

PUBLISHED = """{
"amount": "50.00",
"currency": "USDT",
"network": "TRON",
"customer_name": "John Doe",
"notification_emails": "[email protected]",
"callback_url": "https://mysite.com/hook",
"priority": "high"
}"""
"""The example request of the published page, as it stands there."""


def test_the_published_curl_request_is_answered_with_an_invoice(demo: RunningDemo) -> None:
    answer = subprocess.run(
        [
            "curl", "-sS", "-w", "\n%{http_code}", "-X", "POST", f"{demo.file['api_url']}/invoice",
            "-H", f"x-api-key: {demo.file['api_key']}", "-H", f"merchant_id: {demo.file['merchant_id']}",
            "-d", PUBLISHED,
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    body, _, status = answer.stdout.rpartition("\n")
    assert status == "201", body
    invoice = json.loads(body)
    assert (invoice["status"], invoice["amount"], invoice["currency"]) == ("pending", "50.00", "USDT")
    assert (invoice["network"], invoice["address_in"][0], invoice["priority"]) == ("tron", "T", "high")
    assert requests.get(invoice["qr_png_url"], timeout=20).content.startswith(b"\x89PNG")
    assert invoice["address_in"] in requests.get(invoice["checkout_url"], timeout=20).text


def test_every_asset_of_every_network_by_amount_and_by_value_turns_paid(
    demo: RunningDemo, endpoint: VerifyingReceiver
) -> None:
    invoices = {}
    for network, details in demo.file["networks"].items():
        for currency in details["assets"]:
            for asked in ({"amount": "1.25"}, {"totalusd": "12.34"}):
                invoice = demo.create(network, currency, callback_url=endpoint.url, **asked)
                assert invoice["status"] == "pending"
                invoices[demo.pay(invoice)] = invoice
    assert len(invoices) == 16
    for invoice in invoices.values():
        demo.wait_until(invoice["id"], "confirming", "paid")
    for tx, invoice in invoices.items():
        paid = demo.wait_until(invoice["id"], "paid")
        assert (paid["tx_hash"], paid["received_amount"]) == (tx, invoice["amount"])
        assert paid["exception"] is None
        assert_told(endpoint, invoice, tx)
    assert endpoint.refused == []


def assert_told(endpoint: VerifyingReceiver, invoice: Mapping[str, Any], tx: str) -> None:
    """The endpoint was told of each state in turn, signed, with the published keys first."""
    wait_for("the webhook", lambda: endpoint.statuses(invoice["id"])[-1:] == ["paid"])
    assert endpoint.statuses(invoice["id"]) == ["confirming", "paid"]
    told = next(each for each in endpoint.of(invoice["id"]) if each["status"] == "paid")
    assert list(told)[:7] == [
        "status", "invoice_id", "amount", "currency", "tx_hash", "address_in", "received_amount",
    ]  # fmt: skip
    assert told["tx_hash"] == tx
    assert (told["amount"], told["address_in"]) == (invoice["amount"], invoice["address_in"])


def test_the_published_php_example_logs_the_payment(demo: RunningDemo, tmp_path: Path) -> None:
    with php_receiver(tmp_path) as php:
        invoice = demo.create("evm", "USDT", amount="10.00", callback_url=php.url)
        demo.pay(invoice)
        demo.wait_until(invoice["id"], "paid")
        wait_for("the PHP log", lambda: php.paid() == [invoice["id"]])


def test_devnet_pay_pays_an_invoice(demo: RunningDemo) -> None:
    invoice = demo.create("polygon", "USDT", amount="3")
    command = [CLOUDPAY, "devnet", "pay", "--data-dir", str(demo.folder), invoice["id"]]
    subprocess.run(command, check=True, capture_output=True)
    assert demo.wait_until(invoice["id"], "paid")["received_amount"] == "3.00"
