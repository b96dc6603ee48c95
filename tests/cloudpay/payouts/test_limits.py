"""F72: a stolen key sends no more than its limits, and nothing above the threshold without two people."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.ledger.audit import check
from cloudpay.merchants.errors import InvalidField
from cloudpay.merchants.keys import NewKey, create_key, rotate_key
from cloudpay.merchants.service import MerchantView
from cloudpay.payouts.approvals import agree, take_back
from cloudpay.payouts.errors import PayoutLimitExceeded, UnknownBatch, UnknownPayout
from cloudpay.payouts.limiting import list_limits
from cloudpay.payouts.models import PayoutRow
from cloudpay.testing import FixedClock
from cloudpay.testing.addresses import fake_address
from cloudpay.transactions.models import SpendRow
from tests.cloudpay.funds import BULK, Send
from tests.cloudpay.payouts.items import BOB, count, item

CLI = "cli:test"


def refused(answer: TestResponse) -> str:
    """Hold an answer against what a limit answers; answers its sentence."""
    assert (answer.status_code, answer.get_json()["code"]) == (403, "payout_limit_exceeded"), answer.data
    return str(answer.get_json()["detail"])


def test_f72_a_key_sends_no_more_in_a_day_than_its_limit(
    funded: Gateway, send: Send, limit: Any, key: NewKey, clock: FixedClock
) -> None:
    limit("ETH@evm=1.2/day", key=key.view.id)
    assert send(item(1), item(2), auto_confirm=True).status_code == 201
    sentence = refused(send(item(3), auto_confirm=True))
    assert "This key may send 1.20 ETH on evm in a day, and with this it would be 1.50" in sentence
    assert count(funded, PayoutRow) == 2
    assert send(item(4, amount="0.2"), auto_confirm=True).status_code == 201
    clock.advance(timedelta(days=1))
    assert send(item(3), auto_confirm=True).status_code == 201


def test_f72_a_key_that_takes_anothers_place_has_its_limits(
    funded: Gateway, limit: Any, key: NewKey, merchant: MerchantView, client: FlaskClient
) -> None:
    limit("ETH@evm=0.4/day", "ETH@evm=0.4/payout", key=key.view.id)
    window = timedelta(hours=1)
    new = rotate_key(funded, merchant.id, key.view.id, window=window, actor=CLI)
    assert [each.kind for each in list_limits(funded, merchant.id) if each.holder == new.view.id] == [
        "day",
        "payout",
    ]
    body = json.dumps({"items": [item(1)], "auto_confirm": True})
    refused(client.post(BULK, data=body, headers={"x-api-key": new.secret}))


def test_f72_a_batch_counts_as_a_whole(send: Send, limit: Any, key: NewKey) -> None:
    limit("ETH@evm=1.2/day", key=key.view.id)
    refused(send(item(1), item(2), item(3), auto_confirm=True))
    refused(send(item(1), item(2), item(3), auto_confirm=True, dry_run=True))


def test_f72_one_payout_and_one_address_have_limits_of_their_own(send: Send, limit: Any, key: NewKey) -> None:
    limit("ETH@evm=0.6/payout", "ETH@evm=0.9/address", key=key.view.id)
    assert "in one payout" in refused(send(item(1, amount="0.7"), auto_confirm=True))
    assert send(item(1), auto_confirm=True).status_code == 201
    assert "to one address in a day" in refused(send(item(2), auto_confirm=True))
    assert send(item(2, address=BOB), auto_confirm=True).status_code == 201
    others = [item(10 + number, address=fake_address(f"{number}")) for number in range(5)]
    assert send(*others, auto_confirm=True).status_code == 201


def test_f72_an_address_limit_of_a_key_is_of_what_that_key_has_sent_there(
    funded: Gateway, send: Send, limit: Any, key: NewKey, merchant: MerchantView, client: FlaskClient
) -> None:
    other = create_key(funded, merchant.id, name="b", scopes=["payouts:write"], actor=CLI)

    def by_other(number: int, amount: str) -> TestResponse:
        body = json.dumps({"items": [item(number, amount=amount)], "auto_confirm": True})
        return client.post(BULK, data=body, headers={"x-api-key": other.secret})

    limit("ETH@evm=1/address", key=key.view.id)
    limit("ETH@evm=4/address", key=other.view.id)
    assert by_other(1, "3").status_code == 201
    assert send(item(2, amount="0.7"), auto_confirm=True).status_code == 201
    assert "with this it would be 1.10" in refused(send(item(3, amount="0.4"), auto_confirm=True))
    assert "with this it would be 4.50" in refused(by_other(4, "1.5"))


def test_f72_an_address_limit_of_the_merchant_is_of_what_all_of_its_keys_have_sent_there(
    funded: Gateway, send: Send, limit: Any, merchant: MerchantView, client: FlaskClient
) -> None:
    limit("ETH@evm=1/address")
    other = create_key(funded, merchant.id, name="b", scopes=["payouts:write"], actor=CLI).secret
    assert send(item(1, amount="0.7"), auto_confirm=True).status_code == 201
    body = json.dumps({"items": [item(2, amount="0.4")], "auto_confirm": True})
    answer = client.post(BULK, data=body, headers={"x-api-key": other})
    assert "to one address in a day, and with this it would be 1.10" in refused(answer)


def test_f72_whoever_has_a_limit_sends_only_what_its_limits_name(send: Send, limit: Any, key: NewKey) -> None:
    limit("USDT@evm=5/day", key=key.view.id)
    assert "none of them names ETH" in refused(send(item(1), auto_confirm=True))
    assert send(item(2, amount="5", currency="USDT"), auto_confirm=True).status_code == 201


def test_f72_a_merchants_limit_holds_for_all_of_its_keys_together(
    funded: Gateway, send: Send, limit: Any, merchant: MerchantView, client: FlaskClient
) -> None:
    limit("ETH@evm=0.9/day")
    assert send(item(1), auto_confirm=True).status_code == 201
    other = create_key(funded, merchant.id, name="b", scopes=["payouts:write"], actor=CLI).secret
    body = json.dumps({"items": [item(2)], "auto_confirm": True})
    assert "The merchant may send" in refused(client.post(BULK, data=body, headers={"x-api-key": other}))


def test_f72_what_waits_is_counted_when_a_key_confirms_it(
    send: Send, limit: Any, key: NewKey, client: FlaskClient, headers: dict[str, str]
) -> None:
    limit("ETH@evm=0.4/day", key=key.view.id)
    made = send(item(1)).get_json()
    refused(client.post(f"/api/payout/batch/{made['batch_id']}/confirm", headers=headers))
    refused(client.post(f"/api/payout/{made['items'][0]['payout_id']}/confirm", headers=headers))
    limit("ETH@evm=none/day", key=key.view.id)
    answer = client.post(f"/api/payout/batch/{made['batch_id']}/confirm", headers=headers)
    assert answer.status_code == 200


def test_f72_payouts_that_race_for_the_rest_of_a_limit_never_send_more(
    funded: Gateway, limit: Any, app: Flask, headers: dict[str, str]
) -> None:
    limit("ETH@evm=1.6/day")

    def post(number: int) -> int:
        body = json.dumps({"items": [item(number)], "auto_confirm": True})
        return app.test_client().post(BULK, data=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(post, range(8))) == [201] * 3 + [403] * 5
    assert count(funded, SpendRow) == 3
    assert check(funded) == []


def test_people_are_inside_the_merchants_limits_too(
    funded: Gateway, send: Send, limit: Any, merchant: MerchantView, users: tuple[str, str]
) -> None:
    made = send(item(1)).get_json()
    limit("ETH@evm=0.4/day")
    with pytest.raises(PayoutLimitExceeded):
        agree(funded, merchant.id, made["batch_id"], users[0], actor=CLI)
    assert take_back(funded, merchant.id, made["batch_id"], actor=CLI).status == "completed"
    for thing, error in (("bat_x", UnknownBatch), ("po_x", UnknownPayout)):
        with pytest.raises(error):
            take_back(funded, merchant.id, thing, actor=CLI)


def test_limits_are_set_shown_changed_and_taken_away(
    funded: Gateway, limit: Any, merchant: MerchantView, key: NewKey
) -> None:
    limit("usdt@EVM=1000/day", "USDT@evm=5000/approval")
    found = limit("ETH@evm=0.5/payout", key=key.view.id)
    assert [(each.holder, each.currency, each.amount, each.kind) for each in found] == [
        ("merchant", "USDT", "5000.00", "approval"),
        ("merchant", "USDT", "1000.00", "day"),
        (key.view.id, "ETH", "0.50", "payout"),
    ]
    limit("USDT@evm=none/day", "USDT@evm=6000/approval")
    assert [each.amount for each in list_limits(funded, merchant.id)] == ["6000.00", "0.50"]


@pytest.mark.parametrize(
    "rule", ["", "1000", "USDT=5/day", "USDT@evm=5", "USDT@evm=5/year", "USDT@evm=x/day", "USDT@evm=0/day"]
)
def test_a_rule_that_cannot_be_read_sets_nothing(
    funded: Gateway, limit: Any, merchant: MerchantView, rule: str
) -> None:
    with pytest.raises(InvalidRequest):
        limit("ETH@evm=1/day", rule)
    assert list_limits(funded, merchant.id) == ()


def test_a_rule_for_the_wrong_holder_is_refused(limit: Any, key: NewKey) -> None:
    with pytest.raises(InvalidField, match="no API key"):
        limit("ETH@evm=1/day", key="key_nobody")
    with pytest.raises(InvalidField, match="the merchant's"):
        limit("ETH@evm=1/approval", key=key.view.id)
