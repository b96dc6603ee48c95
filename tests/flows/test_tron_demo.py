"""TRON in the demo as on the published page: its example request, its bulk payload, its balance."""

import json
import subprocess
from decimal import Decimal

import pytest
from eth_account import Account
from tronpy.keys import PrivateKey

from tests.flows.receivers import VerifyingReceiver
from tests.flows.running import CLOUDPAY, RunningDemo, wait_for
from tests.flows.test_first_payment import PUBLISHED, assert_told

pytestmark = pytest.mark.flow

BULK = """{
"auto_confirm": true,
"items": [
{
"address": "TR7NHq...",
"amount": "100",
"id": "REF_001"
},
{
"address": "0x123...",
"amount": "0.5",
"id": "REF_002"
}
]
}"""
"""The example payload of the published page; whole addresses take the place of the two that it cuts short."""


def devnet(demo: RunningDemo, *arguments: str) -> str:
    """Run a command of `cloudpay devnet` on the demo; answer what it printed."""
    command = [CLOUDPAY, "devnet", *arguments, "--data-dir", str(demo.folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def usdt(demo: RunningDemo) -> str:
    """The token's contract."""
    return str(demo.file["networks"]["tron"]["assets"]["USDT"]["token_address"])


def test_the_published_request_is_paid_from_the_payer_s_hex_key_and_told(
    demo: RunningDemo, endpoint: VerifyingReceiver
) -> None:
    answer = demo.post("/invoice", json.loads(PUBLISHED) | {"callback_url": endpoint.url})
    assert answer.status_code == 201, answer.text
    invoice = answer.json()
    assert invoice["address_in"].startswith("T")
    tx = demo.wallet("tron").pay(usdt(demo), invoice["address_in"], 50 * 10**6)
    paid = demo.wait_until(invoice["id"], "paid")
    assert (paid["tx_hash"], paid["received_amount"], paid["exception"]) == (tx, "50.00", None)
    assert_told(endpoint, invoice, tx)
    assert endpoint.refused == []


def test_the_published_bulk_payload_is_paid_on_the_networks_that_its_addresses_are_of(
    demo: RunningDemo,
) -> None:
    on_tron, on_evm = PrivateKey.random().public_key.to_base58check_address(), Account.create().address
    wait_for("coins", lambda: all(demo.balance(each)["available"] != "0.00" for each in ("tron", "evm")))
    payload = json.loads(BULK.replace("TR7NHq...", on_tron).replace("0x123...", on_evm))
    answer = demo.post("/user/payouts/bulk/api", payload)
    assert answer.status_code == 201, answer.text
    assert [(each["network"], each["currency"]) for each in answer.json()["items"]] == [
        ("tron", "TRX"),
        ("evm", "ETH"),
    ]
    wait_for("both payouts", lambda: set(demo.payouts().values()) == {"confirmed"})
    assert demo.wallet("tron").holds(None, on_tron) == 100 * 10**6
    assert demo.wallet("evm").holds(None, on_evm) == 5 * 10**17


def test_the_master_wallet_s_balance_of_trx_and_of_a_token_is_told(demo: RunningDemo) -> None:
    network = demo.file["networks"]["tron"]
    for token, symbol in ((None, "TRX"), (usdt(demo), "USDT")):
        told = demo.balance("tron", token)
        assert (told["network"], told["currency"], told["token_address"]) == ("tron", symbol, token)
        assert told["address"] == network["master_wallet"]
        assert Decimal(told["balance"]) >= 250


def test_devnet_pay_and_devnet_fund_send_on_tron(demo: RunningDemo) -> None:
    invoice = demo.create("tron", "TRX", amount="3")
    assert "Sent 3.00 TRX on tron to T" in devnet(demo, "pay", invoice["id"])
    assert demo.wait_until(invoice["id"], "paid")["received_amount"] == "3.00"
    master = demo.file["networks"]["tron"]["master_wallet"]
    before = demo.wallet("tron").holds(usdt(demo), master)
    assert "Sent 250 USDT on tron" in devnet(demo, "fund", "250", "usdt", "--network", "tron")
    wait_for("the money", lambda: demo.wallet("tron").holds(usdt(demo), master) - before >= 250 * 10**6)
