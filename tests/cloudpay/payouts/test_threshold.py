"""F72: above the threshold two people agree, whoever sends it, in whatever slices, and however often at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from cloudpay.audit.models import AuditEntry
from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.merchants.errors import InvalidField
from cloudpay.merchants.keys import NewKey
from cloudpay.merchants.service import MerchantView
from cloudpay.payouts.approvals import agree
from cloudpay.payouts.errors import NotConfirmable
from cloudpay.transactions.models import SpendRow
from tests.cloudpay.funds import BULK, Send
from tests.cloudpay.payouts.items import count, item

CLI = "cli:test"


@pytest.fixture
def confirm(client: FlaskClient, headers: dict[str, str]) -> Any:
    """Confirm a batch, or a payout, by the key."""
    return lambda thing, **more: client.post(f"/api/payout/{thing}/confirm", headers={**headers, **more})


def for_people(answer: TestResponse) -> bool:
    """Whether an answer is that people must agree."""
    return answer.status_code == 403 and answer.get_json()["code"] == "payout_approval_needed"


def test_f72_above_the_threshold_two_users_must_agree_and_no_key_can(
    funded: Gateway,
    send: Send,
    limit: Any,
    merchant: MerchantView,
    users: tuple[str, str],
    client: FlaskClient,
    headers: dict[str, str],
) -> None:
    limit("ETH@evm=0.7/approval")
    made = send(item(1), item(2), auto_confirm=True).get_json()
    assert (made["status"], made["approvals_needed"]) == ("awaiting_confirmation", 2)
    first = made["items"][0]["payout_id"]
    for path in (f"batch/{made['batch_id']}", first):
        answer = client.post(f"/api/payout/{path}/confirm", headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "payout_approval_needed")
    with pytest.raises(InvalidField, match="confirm the batch"):
        agree(funded, merchant.id, first, users[0], actor=CLI)
    for turn in range(2):  # the same user twice is one user
        decided = agree(funded, merchant.id, made["batch_id"], users[0], actor=CLI)
        assert (decided.approvals, decided.batch.status) == (1, "awaiting_confirmation"), turn
    for nobody in ("eve@x.example", "mallory@x.example"):
        with pytest.raises(InvalidField):
            agree(funded, merchant.id, made["batch_id"], nobody, actor=CLI)
    assert count(funded, SpendRow) == 0
    decided = agree(funded, merchant.id, made["batch_id"], users[1], actor=CLI)
    assert (decided.approvals, decided.batch.status) == (2, "processing")
    assert count(funded, SpendRow) == 2
    with pytest.raises(NotConfirmable):
        agree(funded, merchant.id, made["batch_id"], users[1], actor=CLI)


def test_f72_the_threshold_counts_what_went_out_today_so_that_no_slices_pass_below_it(
    send: Send, limit: Any
) -> None:
    limit("ETH@evm=1.2/approval")
    assert [send(item(number), auto_confirm=True).get_json()["status"] for number in range(4)] == [
        "processing",
        "processing",
        "awaiting_confirmation",
        "awaiting_confirmation",
    ]
    assert send(item(5, amount="0.1"), auto_confirm=True).get_json()["status"] == "processing"


def shown(client: FlaskClient, headers: dict[str, str], batch_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/api/payout/batch/{batch_id}", headers=headers).get_json()
    return answer


def test_f72_a_threshold_of_one_asset_leaves_no_other_open(
    funded: Gateway, send: Send, limit: Any, confirm: Any, merchant: MerchantView, users: tuple[str, str]
) -> None:
    waiting = send(item(1)).get_json()
    limit("USDT@evm=1/approval")
    assert for_people(confirm(f"batch/{waiting['batch_id']}"))
    made = send(item(2, amount="0.0001"), auto_confirm=True).get_json()
    assert (made["status"], made["approvals_needed"]) == ("awaiting_confirmation", 2)
    mixed = send(item(3, currency="USDT", amount="1"), item(4), auto_confirm=True).get_json()
    assert mixed["approvals_needed"] == 2
    named = send(item(5, currency="USDT", amount="1"), auto_confirm=True).get_json()
    assert (named["status"], named["approvals_needed"]) == ("processing", 0)
    for user in users:
        agree(funded, merchant.id, made["batch_id"], user, actor=CLI)
    assert count(funded, SpendRow) == 2


def standing(answer: TestResponse) -> tuple[Any, ...]:
    """What a batch and its items are told to be."""
    body = answer.get_json()
    items = [(each["status"], each["queued_at"]) for each in body["items"]]
    return body["status"], body["approvals_needed"], body["auto_confirm"], items


@pytest.mark.parametrize("auto_confirm", [True, False])
@pytest.mark.parametrize("rules", [[], ["ETH@evm=0.4/approval"], ["ETH@evm=0.5/approval"]])
def test_a_preview_tells_whether_it_would_go_out_or_wait_and_for_whom(
    send: Send, limit: Any, rules: list[str], auto_confirm: bool
) -> None:
    limit(*rules)
    dry, real = (send(item(1), auto_confirm=auto_confirm, dry_run=dry_run) for dry_run in (True, False))
    assert (dry.status_code, real.status_code) == (200, 201)
    assert standing(dry) == standing(real)


def test_a_preview_of_what_waits_for_people_is_no_refusal_where_the_keys_limit_is_exceeded(
    send: Send, limit: Any, key: NewKey
) -> None:
    limit("ETH@evm=1/approval")
    limit("ETH@evm=0.4/day", key=key.view.id)
    for amount, status, code in (("5", (200, 201), None), ("0.5", (403, 403), "payout_limit_exceeded")):
        answers = [
            send(item(1, amount=amount, id=amount), auto_confirm=True, dry_run=dry) for dry in (True, False)
        ]
        assert tuple(each.status_code for each in answers) == status
        assert {each.get_json().get("code") for each in answers} == {code}


def test_f72_slices_that_wait_do_not_pass_below_the_threshold_by_one_key_that_confirms_them(
    funded: Gateway, send: Send, limit: Any, confirm: Any, client: FlaskClient, headers: dict[str, str]
) -> None:
    limit("ETH@evm=1/approval")
    made = [send(item(number, amount="0.9")).get_json() for number in range(9)]
    assert [each["approvals_needed"] for each in made] == [0] * 9, "nothing has gone out yet"
    first, *others = (each["batch_id"] for each in made)
    assert confirm(f"batch/{first}").status_code == 200
    for batch_id in others:
        answer = confirm(f"batch/{batch_id}")
        assert for_people(answer) and "2 users must agree" in answer.get_json()["detail"]
        assert "cloudpay payout confirm" in answer.get_json()["detail"]
        now = shown(client, headers, batch_id)
        assert (now["approvals_needed"], now["status"]) == (2, "awaiting_confirmation")
    assert count(funded, SpendRow) == 1
    assert check(funded) == []


def test_f72_a_threshold_that_was_lowered_holds_for_what_waits_already(
    funded: Gateway, send: Send, limit: Any, confirm: Any
) -> None:
    made = send(item(1, amount="5")).get_json()
    limit("ETH@evm=1/approval")
    assert for_people(confirm(f"batch/{made['batch_id']}"))
    assert for_people(confirm(made["items"][0]["payout_id"]))
    limit("ETH@evm=none/approval")
    assert for_people(confirm(f"batch/{made['batch_id']}")), "what was once for people stays so"
    assert count(funded, SpendRow) == 0


def test_f72_one_user_alone_is_the_first_of_two_where_it_is_too_much_by_then(
    funded: Gateway, send: Send, limit: Any, merchant: MerchantView, users: tuple[str, str]
) -> None:
    made = [send(item(number, amount="0.9")).get_json()["batch_id"] for number in range(2)]
    limit("ETH@evm=1/approval")
    assert agree(funded, merchant.id, made[0], users[0], actor=CLI).batch.status == "processing"
    for _ in range(2):
        decided = agree(funded, merchant.id, made[1], users[0], actor=CLI)
        assert (decided.approvals, decided.batch.approvals_needed) == (1, 2)
        assert decided.batch.status == "awaiting_confirmation"
    assert agree(funded, merchant.id, made[1], users[1], actor=CLI).batch.status == "processing"
    assert count(funded, SpendRow) == 2


def test_f72_who_agreed_to_a_part_has_not_agreed_to_the_rest_that_two_must_see(
    funded: Gateway, send: Send, limit: Any, merchant: MerchantView, users: tuple[str, str]
) -> None:
    made = send(item(1), item(2), item(3)).get_json()
    batch_id, [first, second, _] = made["batch_id"], [each["payout_id"] for each in made["items"]]
    limit("ETH@evm=0.7/approval")
    agree(funded, merchant.id, first, users[0], actor=CLI)
    with pytest.raises(InvalidField, match="confirm the batch"):
        agree(funded, merchant.id, second, users[0], actor=CLI)
    decided = agree(funded, merchant.id, batch_id, users[1], actor=CLI)
    assert (decided.approvals, decided.batch.approvals_needed) == (1, 2)
    assert count(funded, SpendRow) == 1
    assert agree(funded, merchant.id, batch_id, users[0], actor=CLI).approvals == 2
    assert count(funded, SpendRow) == 3


def test_f72_what_came_to_need_people_is_in_the_audit_log_once(
    funded: Gateway, send: Send, limit: Any, confirm: Any
) -> None:
    made = send(item(1)).get_json()
    limit("ETH@evm=0.1/approval")
    for _ in range(2):
        confirm(f"batch/{made['batch_id']}")
    wanted = select(AuditEntry).where(AuditEntry.action == "payouts.approval_needed")
    with funded.db.read() as session:
        [entry] = session.scalars(wanted)
    assert entry.subject == made["batch_id"] and entry.actor.startswith("key:")


def test_f63_a_batch_that_came_to_need_people_is_answered_again_as_it_was(
    send: Send, limit: Any, confirm: Any
) -> None:
    first = send(item(1))
    limit("ETH@evm=0.1/approval")
    key = {"Idempotency-Key": "go"}
    path = f"batch/{first.get_json()['batch_id']}"
    assert for_people(confirm(path, **key)) and for_people(confirm(path, **key)), "no refusal is stored"
    assert send(item(1)).data == first.data


@pytest.mark.parametrize("auto_confirm", [True, False])
def test_f72_slices_that_race_for_the_rest_of_the_threshold_never_pass_it(
    funded: Gateway, send: Send, limit: Any, app: Flask, headers: dict[str, str], auto_confirm: bool
) -> None:
    """With `auto_confirm` they race when they are accepted, without it when they are confirmed."""
    limit("ETH@evm=1.6/approval")
    made = [] if auto_confirm else [send(item(number)).get_json()["batch_id"] for number in range(8)]

    def go(number: int) -> bool:
        client = app.test_client()
        if auto_confirm:
            body = json.dumps({"items": [item(number)], "auto_confirm": True})
            answer = client.post(BULK, data=body, headers=headers)
            return bool(answer.get_json()["approvals_needed"] == 0)
        return not for_people(client.post(f"/api/payout/batch/{made[number]}/confirm", headers=headers))

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(go, range(8))) == [False] * 5 + [True] * 3
    assert count(funded, SpendRow) == 3
    assert check(funded) == []
