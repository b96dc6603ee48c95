"""What is asked for, what it is taken to mean, and what is answered."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import Base
from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import available, reserved
from cloudpay.merchants.service import MerchantView, set_payout_currencies
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.testing.addresses import fake_address
from cloudpay.transactions.models import SpendRow
from tests.cloudpay.payouts.conftest import BULK, FEES, Send

ALICE, BOB = fake_address("alice"), fake_address("bob")


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One item as the published page writes it."""
    return {"address": ALICE, "amount": "0.5", "id": f"REF_{number:03}", **changes}


def count(gateway: Gateway, model: type[Base]) -> int:
    with gateway.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_the_published_body_is_accepted_and_names_batch_status_and_every_item(send: Send) -> None:
    answer = send(item(1), item(2, address=BOB, amount="1"), auto_confirm=True)
    assert answer.status_code == 201, answer.data
    told = answer.get_json()
    assert told["batch_id"].startswith("bat_") and told["status"] == "processing"
    assert [(each["id"], each["status"], each["amount"]) for each in told["items"]] == [
        ("REF_001", "queued", "0.50"),
        ("REF_002", "queued", "1.00"),
    ]
    assert {each["network"] for each in told["items"]} == {"evm"}
    assert {each["currency"] for each in told["items"]} == {"ETH"}


def test_without_auto_confirm_it_waits_and_its_money_is_reserved(
    send: Send, funded: Gateway, merchant: MerchantView
) -> None:
    told = send(item(1)).get_json()
    assert (told["status"], told["items"][0]["status"]) == ("awaiting_confirmation", "awaiting_confirmation")
    half = 5 * 10**17
    with funded.db.read() as session:
        assert reserved(session, merchant.id, False, "evm", "") == half + 2 * 10**12
        assert available(session, merchant.id, False, "evm", "") == 10 * 10**18 - half - 2 * 10**12
    assert count(funded, SpendRow) == 0
    assert check(funded) == []


def test_an_item_may_name_its_network_currency_priority_and_memo_and_a_batch_the_defaults(send: Send) -> None:
    named = item(1, network="EVM", currency="usdt", priority="HIGH", memo="rent", amount=12.5)
    told = send(named, item(2), item(3, network=""), currency="WBTC", priority="low", network="evm").get_json()
    assert told["code"] == "insufficient_funds" if "code" in told else True
    told = send(named, item(2), currency="ETH", priority="low", network="evm").get_json()
    first, second = told["items"]
    assert (first["currency"], first["network"], first["priority"], first["memo"], first["amount"]) == (
        "USDT",
        "evm",
        "high",
        "rent",
        "12.50",
    )
    assert (second["currency"], second["priority"], second["memo"]) == ("ETH", "low", None)
    assert [each["fee_reserved"] for each in told["items"]] == ["0.000004", "0.000001"]
