"""Money rule 6: the same ids never pay twice, whoever sends them again, when, and how often at once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import Funding, post_funding, reserved
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import MerchantView, create_merchant, set_payout_network
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.testing import FixedClock
from cloudpay.testing.clock import START
from cloudpay.transactions.models import SpendRow
from tests.cloudpay.funds import BULK, Send, fund
from tests.cloudpay.payouts.items import BOB, count, item


def test_f63_the_same_batch_again_gets_the_same_answer_and_nothing_is_done_twice(
    funded: Gateway, send: Send
) -> None:
    first = send(item(1), item(2), auto_confirm=True)
    again = send(item(1), item(2), auto_confirm=True)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data and again.headers["Idempotent-Replayed"] == "true"
    assert (count(funded, BatchRow), count(funded, PayoutRow), count(funded, SpendRow)) == (1, 2, 2)


@pytest.mark.parametrize(
    "written",
    [
        {"amount": 0.5},
        {"amount": "0.50"},
        {"amount": "00.500000000000000000"},
        {"network": ""},
        {"memo": None},
    ],
)
def test_f63_the_same_content_may_be_written_otherwise(send: Send, written: dict[str, object]) -> None:
    first = send(item(1), item(2))
    assert send(item(1, **written), item(2)).data == first.data


def test_f63_the_order_of_the_items_is_no_other_content(send: Send) -> None:
    assert send(item(1), item(2)).data == send(item(2), item(1)).data


@pytest.mark.parametrize("auto_confirm", [True, False])
def test_f63_fifty_equal_batches_at_the_same_time_make_one_and_get_fifty_equal_answers(
    funded: Gateway, app: Flask, headers: dict[str, str], merchant: MerchantView, auto_confirm: bool
) -> None:
    items = [item(number) for number in range(1, 6)]
    barrier = threading.Barrier(50, timeout=60)

    def post(turn: int) -> tuple[int, bytes]:
        mine = items if turn % 2 else items[::-1]
        body = json.dumps({"items": mine, "auto_confirm": auto_confirm})
        barrier.wait()
        answer = app.test_client().post(BULK, data=body, headers=headers)
        return answer.status_code, json.dumps(sorted(answer.get_json()["items"], key=str)).encode()

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(post, range(50)))
    assert {status for status, _ in answers} == {201}
    assert len({told for _, told in answers}) == 1
    assert (count(funded, BatchRow), count(funded, PayoutRow)) == (1, 5)
    assert count(funded, SpendRow) == (5 if auto_confirm else 0)
    with funded.db.read() as session:
        assert reserved(session, merchant.id, False, "evm", "") == 5 * (5 * 10**17 + 2 * 10**12)
    assert check(funded) == []


def test_f63_batches_that_share_an_id_and_race_pay_it_once(
    funded: Gateway, app: Flask, headers: dict[str, str]
) -> None:
    barrier = threading.Barrier(12, timeout=60)

    def post(turn: int) -> int:
        mine = [item(100 + turn), item(1), item(200 + turn)]
        barrier.wait()
        return app.test_client().post(BULK, data=json.dumps({"items": mine}), headers=headers).status_code

    with ThreadPoolExecutor(12) as threads:
        statuses = sorted(threads.map(post, range(12)))
    assert statuses == [201] + [409] * 11
    assert (count(funded, BatchRow), count(funded, PayoutRow)) == (1, 3)
    assert check(funded) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": "0.6"},
        {"address": BOB},
        {"currency": "USDT"},
        {"network": "evm"},
        {"priority": "high"},
        {"memo": "x"},
    ],
)
def test_f64_the_same_id_with_another_content_is_refused_also_a_year_later(
    funded: Gateway, send: Send, clock: FixedClock, changed: dict[str, object]
) -> None:
    send(item(1))
    for _ in range(2):
        answer = send(item(1, **changed))
        assert (answer.status_code, answer.get_json()["code"]) == (409, "payout_id_reused")
        assert "REF_001" in answer.get_json()["detail"]
        clock.advance(timedelta(days=365))
    assert count(funded, PayoutRow) == 1


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("12345678901.123456789012345671", "12345678901.123456789012345674"),
        ("9999999999999999999.5", "9999999999999999999.50000000049"),
        ("20000000000000000000", "20000000000000000000.000000000000000001"),
    ],
)
def test_f64_an_amount_that_differs_in_its_last_digit_is_another_content(
    funded: Gateway, merchant: MerchantView, send: Send, first: str, other: str
) -> None:
    came = Funding("evm", "0xmuch", "0xmuch", "", 0, merchant.id, False, 10**38)
    funded.db.run(lambda session: post_funding(session, came, START))
    assert send(item(1, amount=first)).status_code == 201
    answer = send(item(1, amount=other))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "payout_id_reused")


def test_f64_known_and_new_ids_in_one_batch_are_refused(funded: Gateway, send: Send) -> None:
    send(item(1), item(2))
    answer = send(item(1), item(2), item(3))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "payout_ids_mixed")
    assert "'REF_001', 'REF_002'" in answer.get_json()["detail"]
    assert count(funded, PayoutRow) == 2


@pytest.mark.parametrize(
    ("items", "fields"),
    [
        ([item(1)], {}),
        ([item(1), item(2)], {"auto_confirm": True}),
        ([item(1), item(2)], {"callback_url": "https://shop.example/hook"}),
        ([item(1), item(2)], {"priority": "high"}),
    ],
)
def test_f64_known_items_in_another_batch_are_refused(
    send: Send, items: list[dict[str, object]], fields: dict[str, object]
) -> None:
    send(item(1), item(2))
    answer = send(*items, **fields)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "payout_id_reused")


@pytest.mark.parametrize("status", ["failed", "cancelled", "confirmed"])
def test_f64_an_id_stays_used_whatever_became_of_it(funded: Gateway, send: Send, status: str) -> None:
    first = send(item(1))
    funded.db.run(lambda session: session.execute(update(PayoutRow).values(status=status)))
    assert send(item(1)).data == first.data
    assert send(item(1, amount="0.7")).status_code == 409


def test_a_single_payout_and_a_batch_share_their_ids(funded: Gateway, send: Send) -> None:
    single = send(path="/api/payout", **item(1)).get_json()
    assert send(path="/api/payout", **item(1)).get_json() == single
    assert send(item(1)).get_json()["items"] == [single]
    assert send(path="/api/payout", **item(1, amount="2")).status_code == 409
    assert count(funded, PayoutRow) == 1


def test_another_merchants_ids_are_its_own(funded: Gateway, send: Send, app: Flask) -> None:
    other = create_merchant(
        funded, "Other", livemode=False, payout_currencies={"evm": "ETH"}, actor="cli:test"
    )
    fund(funded, other.id, "evm", "ETH", 10**18)
    secret = create_key(funded, other.id, name="k", scopes=["payouts:write"], actor="cli:test").secret
    first = send(item(1))
    answer = app.test_client().post(
        BULK, data=json.dumps({"items": [item(1)]}), headers={"x-api-key": secret}
    )
    assert answer.status_code == 201
    assert answer.get_json()["batch_id"] != first.get_json()["batch_id"]


def test_an_idempotency_key_answers_again_and_refuses_another_content(send: Send) -> None:
    first = send(item(1), key="one")
    assert send(item(1), key="one").data == first.data
    answer = send(item(2), key="one")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "idempotency_key_reused")
    short = send(item(3, amount="100"), key="two")
    assert short.get_json()["code"] == "insufficient_funds"
    assert send(item(3), key="two").status_code == 201, "a refused request keeps no key"


def test_the_same_batch_gets_its_first_answer_whatever_its_defaults_would_mean_by_now(
    funded: Gateway, merchant: MerchantView, send: Send
) -> None:
    """What counts is what was sent."""
    first = send(item(1), currency="ETH")
    set_payout_network(funded, merchant.id, "fake2", actor="cli:test")
    assert send(item(2), currency="ETH").status_code == 422, "there is no ETH on fake2"
    assert send(item(1), currency="ETH").data == first.data
    assert send(item(1, amount="2"), currency="ETH").get_json()["code"] == "payout_id_reused"
    assert send(item(1), item(1), currency="ETH").get_json()["code"] == "payouts_refused"
