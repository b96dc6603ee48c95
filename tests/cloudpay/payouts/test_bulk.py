"""What is asked for, what it is taken to mean, and what is answered."""

import json
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.money import format_amount
from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import available, reserved
from cloudpay.merchants.service import MerchantView, set_payout_currencies, set_payout_network
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.testing.clock import START
from cloudpay.transactions.models import FeeQuoteRow, QuoteDemandRow, SpendRow
from tests.cloudpay.funds import BULK, FEES, Send, fund
from tests.cloudpay.payouts.items import ALICE, BOB, count, item


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


def test_a_number_is_read_exactly(send: Send, client: FlaskClient, headers: dict[str, str]) -> None:
    body = f'{{"items": [{{"address": "{ALICE}", "amount": 0.100000000000000001, "id": "A"}}]}}'
    told = client.post(BULK, data=body, headers=headers).get_json()
    assert told["items"][0]["amount"] == "0.100000000000000001"
    assert send(path="/api/payout", **item(2, amount=3)).get_json()["amount"] == "3.00"


def test_an_address_that_fits_one_network_alone_needs_no_name(funded: Gateway, send: Send) -> None:
    """`evm` and `fake2` share their format, and `evm` is the default."""
    assert send(item(1)).get_json()["items"][0]["network"] == "evm"
    other = send(item(2, network="fake2", currency="FAKE"))
    assert other.get_json()["code"] == "insufficient_funds"
    assert "FAKE on fake2" in other.get_json()["detail"]


def test_an_address_of_several_networks_goes_where_its_merchant_has_said(
    funded: Gateway, merchant: MerchantView, send: Send
) -> None:
    set_payout_network(funded, merchant.id, "FAKE2", actor="cli:test")
    assert "FAKE on fake2" in send(item(1), currency="FAKE").get_json()["detail"]
    assert send(item(2, network="evm")).get_json()["items"][0]["network"] == "evm"
    set_payout_network(funded, merchant.id, None, actor="cli:test")
    assert send(item(3)).get_json()["items"][0]["network"] == "evm"


def test_without_a_payout_currency_an_item_must_name_one(
    funded: Gateway, merchant: MerchantView, send: Send
) -> None:
    answer = send(item(1), item(2, network="fake2"))
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (422, "payout_currency_unset")
    assert list(told["errors"]) == ["items.1.currency"]
    assert "cloudpay merchant payout-currency" in told["errors"]["items.1.currency"][0]
    set_payout_currencies(funded, merchant.id, {"fake2": "FAKE"}, actor="cli:test")
    assert send(item(1), item(2, network="fake2")).get_json()["code"] == "insufficient_funds"


def test_f60_what_is_short_is_named_with_what_is_needed_and_what_is_there(
    funded: Gateway, send: Send, merchant: MerchantView
) -> None:
    answer = send(item(1, amount="10"), item(2, amount="1000.000001", currency="USDT"))
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (422, "insufficient_funds")
    assert "10.000004 ETH on evm, fees included, are needed, and 10.00 ETH are available" in told["detail"]
    assert "1000.000001 USDT on evm are needed, and 1000.00 USDT are available" in told["detail"]
    assert count(funded, PayoutRow) == count(funded, SpendRow) == 0
    with funded.db.read() as session:
        assert reserved(session, merchant.id, False, "evm", "") == 0
    assert check(funded) == []


def test_f60_tokens_are_there_and_no_native_coin_for_their_fees(funded: Gateway, send: Send) -> None:
    assert (
        send(item(1, amount=f"9.{'9' * 5}8")).status_code == 201
    )  # which leaves what pays for no further fee
    answer = send(item(2, amount="1", currency="USDT", priority="high"))
    assert answer.get_json()["code"] == "insufficient_funds"
    assert "ETH on evm, fees included" in answer.get_json()["detail"]


def test_a_dry_run_answers_what_would_be_and_keeps_and_sends_nothing(funded: Gateway, send: Send) -> None:
    answer = send(item(1), item(2, currency="USDT", amount="2000"), dry_run=True, auto_confirm=True)
    told = answer.get_json()
    assert answer.status_code == 200 and told["dry_run"] is True
    assert told["batch_id"] is None and {each["payout_id"] for each in told["items"]} == {None}
    assert [(each["currency"], each["amount"], each["fee_reserved"]) for each in told["totals"]] == [
        ("ETH", "0.50", "0.000002"),
        ("USDT", "2000.00", "0.000002"),
    ]
    funds = {each["currency"]: (each["needed"], each["available"], each["covered"]) for each in told["funds"]}
    assert funds == {"ETH": ("0.500004", "10.00", True), "USDT": ("2000.00", "1000.00", False)}
    assert count(funded, BatchRow) == count(funded, PayoutRow) == count(funded, SpendRow) == 0
    assert send(item(1)).status_code == 201


def test_a_dry_run_refuses_what_would_be_refused(send: Send) -> None:
    assert list(send(item(1), item(1), dry_run=True).get_json()["errors"]) == ["items.1.id"]
    accepted = send(item(1))
    assert send(item(1, amount="2"), dry_run=True).status_code == 409
    assert send(item(1), dry_run=True).data == accepted.data


def test_fees_are_reserved_by_priority(send: Send) -> None:
    told = send(item(1, priority="low"), item(2), item(3, priority="high")).get_json()
    shown = {each["priority"]: each["fee_reserved"] for each in told["items"]}
    assert shown == {tier.value: format_amount(fee, 18) for tier, fee in FEES.items()}


def test_while_nobody_knows_what_sending_costs_nothing_is_accepted(
    gateway: Gateway, client: FlaskClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.payouts.funds._PATIENCE_SECONDS", 0.0)
    answer = client.post(BULK, data=json.dumps({"items": [item(1)]}), headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "fee_quotes_missing")
    assert answer.headers["Retry-After"] == "3"
    with gateway.db.read() as session:
        assert session.scalars(select(QuoteDemandRow.network)).all() == ["evm"], "the worker is asked to look"


def test_a_few_requests_wait_for_a_worker_that_asks_the_chain_and_others_are_answered_at_once(
    gateway: Gateway,
    merchant: MerchantView,
    app: Flask,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cloudpay.payouts.funds._PATIENCE_SECONDS", 60.0)
    fund(gateway, merchant.id, "evm", "ETH", 10 * 10**18)

    def post(number: int) -> int:
        body = json.dumps({"items": [item(number)]})
        return app.test_client().post(BULK, data=body, headers=headers).status_code

    with ThreadPoolExecutor(6) as threads:
        answers = [threads.submit(post, number) for number in range(6)]
        refused = list(islice(as_completed(answers, timeout=60), 4))
        assert [each.result() for each in refused] == [503] * 4
        quotes = [FeeQuoteRow(network="evm", tier=tier, asset="", fee=1, quoted_at=START) for tier in FEES]
        gateway.db.run(lambda session: session.add_all(quotes))
        assert sorted(each.result(60) for each in answers) == [201, 201, *[503] * 4]


def test_a_single_payout_is_answered_by_itself_and_names_fields_without_a_number(send: Send) -> None:
    answer = send(path="/api/payout", **item(1), auto_confirm=True)
    assert answer.status_code == 201
    told = answer.get_json()
    assert (told["id"], told["status"]) == ("REF_001", "queued") and told["payout_id"].startswith("po_")
    refused = send(path="/api/payout", **item(2, address="nowhere"))
    assert list(refused.get_json()["errors"]) == ["address"]
