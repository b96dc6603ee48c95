"""What is refused, field by field and item by item, so that nothing of it is kept."""

import json

import pytest
from flask.testing import FlaskClient

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import MerchantView, create_merchant
from cloudpay.payments.health import verify
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.wallets.masters import master_wallet
from tests.cloudpay.funds import BULK, Send
from tests.cloudpay.payouts.items import ALICE, BOB, count, item


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


def test_f82_a_key_without_the_scope_pays_nobody(
    funded: Gateway, client: FlaskClient, merchant: MerchantView
) -> None:
    weak = create_key(
        funded, merchant.id, name="weak", scopes=["read", "invoices:write"], actor="cli:test"
    ).secret
    answer = client.post(BULK, data=json.dumps({"items": [item(1)]}), headers={"x-api-key": weak})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "scope_missing")


def test_a_callback_url_that_may_not_be_called_is_refused(send: Send) -> None:
    answer = send(item(1), callback_url="http://127.0.0.1/hook")
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["callback_url"])
