"""What is asked for, what it is taken to mean, and what is answered."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import Base
from cloudpay.kernel.money import format_amount
from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import available, reserved
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import MerchantView, create_merchant, set_payout_currencies
from cloudpay.payments.health import verify
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.testing.addresses import fake_address
from cloudpay.transactions.models import QuoteDemandRow, SpendRow
from cloudpay.wallets.masters import master_wallet
from tests.cloudpay.funds import BULK, FEES, Send

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


def test_f62_an_id_that_is_there_twice_is_refused_and_nothing_is_created(funded: Gateway, send: Send) -> None:
    answer = send(item(1), item(2), item(1, address=BOB))
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["items.2.id"]
    assert count(funded, BatchRow) == count(funded, PayoutRow) == 0


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (ALICE[:-1] + ("0" if ALICE[-1] != "0" else "1"), "checksum"),
        ("t" + ALICE, "test network"),
        ("0x742d35Cc6634C0532925a3b844Bc454e4438f44e", "not fake1"),
        ("faке1" + ALICE[5:], "not fake1"),  # a Cyrillic letter
        (f" {ALICE}", "not fake1"),
        ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "not fake1"),
    ],
)
@pytest.mark.parametrize("network", [None, "evm"])
def test_f65_what_is_no_address_of_the_network_is_refused_by_name(
    funded: Gateway, send: Send, address: str, reason: str, network: str | None
) -> None:
    named = {"network": network} if network else {}
    answer = send(item(1), item(2, address=address, **named))
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == ["items.1.address"]
    assert reason in answer.get_json()["errors"]["items.1.address"][0]
    assert count(funded, PayoutRow) == 0


@pytest.mark.parametrize("address", [f"{ALICE}\r\nX: 1", "", "a" * 201, None, 5])
def test_f89_an_address_is_one_line_of_text(send: Send, address: object) -> None:
    answer = send(item(1, address=address))
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["items.0.address"])


def test_f66_the_token_itself_is_no_recipient(funded: Gateway, send: Send) -> None:
    contract = funded.chains.network("evm").asset("USDT").contract
    answer = send(item(1, address=contract))
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["items.0.address"])
    assert "contract" in answer.get_json()["detail"]


def test_f66_our_own_deposit_and_master_addresses_are_no_recipients(
    funded: Gateway, send: Send, client: FlaskClient, headers: dict[str, str], merchant: MerchantView
) -> None:
    for network in funded.chains:
        verify(funded, network, funded.chains.adapter(network.code))
    asked = {"amount": "1", "currency": "ETH", "customer_name": "A", "notification_emails": ""}
    deposit = client.post("/api/invoice", data=json.dumps(asked), headers=headers).get_json()["address_in"]
    network = funded.chains.network("evm")
    other = create_merchant(funded, "Other", livemode=False, payout_currencies={}, actor="cli:test")
    mine, theirs = (master_wallet(funded, network, each.id).address for each in (merchant, other))
    answer = send(item(1), *(item(9 + n, address=each) for n, each in enumerate((deposit, mine, theirs))))
    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [f"items.{n}.address" for n in (1, 2, 3)]
    assert count(funded, PayoutRow) == 0


@pytest.mark.parametrize(
    "amount",
    [
        *('"-1"', '"0"', '"-0"', "-0", "0", "0.0", '"NaN"', "1e-30", "1e400", '"1e2"', '"1_000"', '" 1 "'),
        *(
            '"١٢"',
            '"１２"',
            '"0x10"',
            '"+1"',
            '"1,5"',
            '""',
            "null",
            "true",
            '"Infinity"',
            "[]",
            '".5"',
            '"5."',
        ),
        *('"0.0000000000000000001"', '"100000000000000000000"'),
    ],
)
def test_f67_amounts_that_are_none_are_refused(
    send: Send, client: FlaskClient, headers: dict[str, str], amount: str
) -> None:
    body = f'{{"items": [{{"address": "{ALICE}", "amount": {amount}, "id": "A"}}]}}'
    answer = client.post(BULK, data=body.encode(), headers=headers)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["items.0.amount"]), answer.data


def test_f67_more_decimals_than_the_asset_has_are_refused_not_cut(send: Send) -> None:
    answer = send(item(1, currency="USDT", amount="1.1234567"))
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["items.0.amount"])


def test_every_bad_item_is_named_at_once(send: Send) -> None:
    bad = (
        item(1, address="nowhere"),
        item(2, network="moon"),
        item(3, currency="MOON"),
        item(4, currency="USDT", amount="0.0000001"),
        item(5),
        item(5),
    )
    answer = send(*bad)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "payouts_refused")
    assert set(answer.get_json()["errors"]) == {
        "items.0.address",
        "items.1.network",
        "items.2.currency",
        "items.3.amount",
        "items.5.id",
    }


def test_a_wrong_default_is_named_once_and_not_for_every_item(send: Send) -> None:
    answer = send(item(1), item(2), network="moon")
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["network"])
    answer = send(item(1), item(2), currency="MOON")
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["currency"])


@pytest.mark.parametrize("items", [[], [item(number) for number in range(10_001)], "x", {}, None, [1], [[]]])
def test_a_batch_has_one_to_ten_thousand_items(
    client: FlaskClient, headers: dict[str, str], items: object
) -> None:
    answer = client.post(BULK, data=json.dumps({"items": items}), headers=headers)
    assert answer.status_code == 422
    assert all(name.startswith("items") for name in answer.get_json()["errors"])


@pytest.mark.parametrize("flag", ["auto_confirm", "dry_run"])
@pytest.mark.parametrize("value", ["true", 1, 0, "yes", None, "on"])
def test_a_flag_is_true_or_false_and_nothing_like_it(send: Send, flag: str, value: object) -> None:
    answer = send(item(1), **{flag: value})
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [flag])


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
    with gateway.db.read() as session:
        assert session.scalars(select(QuoteDemandRow.network)).all() == ["evm"], "the worker is asked to look"


def test_f82_a_key_without_the_scope_pays_nobody(
    funded: Gateway, client: FlaskClient, merchant: MerchantView
) -> None:
    weak = create_key(
        funded, merchant.id, name="weak", scopes=["read", "invoices:write"], actor="cli:test"
    ).secret
    answer = client.post(BULK, data=json.dumps({"items": [item(1)]}), headers={"x-api-key": weak})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "scope_missing")


def test_a_single_payout_is_answered_by_itself_and_names_fields_without_a_number(send: Send) -> None:
    answer = send(path="/api/payout", **item(1), auto_confirm=True)
    assert answer.status_code == 201
    told = answer.get_json()
    assert (told["id"], told["status"]) == ("REF_001", "queued") and told["payout_id"].startswith("po_")
    refused = send(path="/api/payout", **item(2, address="nowhere"))
    assert list(refused.get_json()["errors"]) == ["address"]


def test_a_callback_url_that_may_not_be_called_is_refused(send: Send) -> None:
    answer = send(item(1), callback_url="http://127.0.0.1/hook")
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["callback_url"])
