"""What waits is confirmed or cancelled; what is on its way is not taken back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from cloudpay.audit.models import AuditEntry
from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.outgoing import available, reserved
from cloudpay.merchants.service import MerchantView
from cloudpay.outbox.service import drain
from cloudpay.transactions.changes import Selection, change_spends
from cloudpay.transactions.models import SpendRow
from cloudpay.transactions.states import SpendStatus
from cloudpay.wallets.masters import master_wallet
from cloudpay.wiring import EVENT_HANDLERS
from tests.cloudpay.funds import Send
from tests.cloudpay.payouts.items import ALICE, count, item

MINE = "/api/payout"


@pytest.fixture
def post(client: FlaskClient, headers: dict[str, str]) -> Any:
    """Post without a body."""
    return lambda path: client.post(path, headers=headers)


def sign(gateway: Gateway, payout_id: str) -> bool:
    """Do what the engine does first: take a queued spend up."""
    took = partial(
        change_spends,
        gateway=gateway,
        selection=Selection(ids=[payout_id]),
        current=[SpendStatus.QUEUED],
        wanted=SpendStatus.SENDING,
    )
    return bool(gateway.db.run(took))


def free(gateway: Gateway, merchant: MerchantView) -> tuple[int, int]:
    with gateway.db.read() as session:
        return (
            available(session, merchant.id, False, "evm", ""),
            reserved(session, merchant.id, False, "evm", ""),
        )


def test_a_confirmed_batch_goes_to_the_engine_with_all_that_it_needs(
    funded: Gateway, send: Send, post: Any, merchant: MerchantView
) -> None:
    made = send(item(1), item(2, currency="USDT", amount="3", priority="high")).get_json()
    answer = post(f"{MINE}/batch/{made['batch_id']}/confirm")
    assert answer.status_code == 200
    assert [each["status"] for each in answer.get_json()["items"]] == ["queued", "queued"]
    assert answer.get_json()["status"] == "processing"
    wallet = master_wallet(funded, funded.chains.network("evm"), merchant.id)
    with funded.db.read() as session:
        spends = session.scalars(select(SpendRow).order_by(SpendRow.id)).all()
    assert [each.id for each in spends] == [each["payout_id"] for each in made["items"]]
    told = [
        (each.kind, each.source, each.recipient, each.asset, each.amount, each.tier, each.fee_reserved)
        for each in spends
    ]
    usdt = funded.chains.network("evm").asset("USDT").key
    assert told == [
        ("payout", wallet.address, ALICE, "", 5 * 10**17, "medium", 2 * 10**12),
        ("payout", wallet.address, ALICE, usdt, 3 * 10**6, "high", 4 * 10**12),
    ]
    path = (spends[0].account, spends[0].chain, spends[0].index)
    assert path == (wallet.path.account, wallet.path.chain, wallet.path.index)


def test_one_payout_of_a_batch_is_confirmed_and_the_others_wait(
    funded: Gateway, send: Send, post: Any
) -> None:
    made = send(item(1), item(2)).get_json()
    first, second = (each["payout_id"] for each in made["items"])
    assert post(f"{MINE}/{first}/confirm").get_json()["status"] == "queued"
    assert count(funded, SpendRow) == 1
    again = post(f"{MINE}/{first}/confirm")
    assert (again.status_code, again.get_json()["code"]) == (409, "payout_not_confirmable")
    rest = post(f"{MINE}/batch/{made['batch_id']}/confirm").get_json()
    assert [each["status"] for each in rest["items"]] == ["queued", "queued"]
    assert post(f"{MINE}/batch/{made['batch_id']}/confirm").status_code == 409
    assert post(f"{MINE}/{second}/confirm").status_code == 409


def test_what_is_cancelled_before_it_is_signed_gives_its_money_back(
    funded: Gateway, send: Send, post: Any, merchant: MerchantView
) -> None:
    made = send(item(1), item(2)).get_json()
    first, second = (each["payout_id"] for each in made["items"])
    post(f"{MINE}/{first}/confirm")
    assert post(f"{MINE}/{first}/cancel").get_json()["status"] == "cancelled"
    assert post(f"{MINE}/{second}/cancel").get_json()["status"] == "cancelled"
    assert free(funded, merchant) == (10 * 10**18, 0)
    assert post(f"{MINE}/{second}/cancel").get_json()["code"] == "payout_not_cancellable"
    assert post(f"{MINE}/{second}/confirm").get_json()["code"] == "payout_not_confirmable"
    assert post(f"{MINE}/batch/{made['batch_id']}/cancel").status_code == 409
    while drain(funded, EVENT_HANDLERS):
        pass
    assert check(funded) == []


def test_f69_what_a_worker_has_taken_up_goes_out_and_the_rest_of_the_batch_is_cancelled(
    funded: Gateway, send: Send, post: Any, merchant: MerchantView
) -> None:
    made = send(item(1), item(2), auto_confirm=True).get_json()
    first = made["items"][0]["payout_id"]
    assert sign(funded, first)
    refused = post(f"{MINE}/{first}/cancel")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "payout_not_cancellable")
    left = post(f"{MINE}/batch/{made['batch_id']}/cancel").get_json()
    assert [each["status"] for each in left["items"]] == ["queued", "cancelled"]
    while drain(funded, EVENT_HANDLERS):
        pass
    assert free(funded, merchant)[1] == 5 * 10**17 + 2 * 10**12
    assert check(funded) == []


def test_f69_of_a_cancellation_and_a_worker_at_the_same_time_one_wins(
    funded: Gateway, send: Send, app: Flask, headers: dict[str, str], merchant: MerchantView
) -> None:
    made = send(*map(item, range(10)), auto_confirm=True).get_json()
    ids = [each["payout_id"] for each in made["items"]]
    barrier = threading.Barrier(20, timeout=60)

    def cancel(payout_id: str) -> bool:
        barrier.wait()
        return app.test_client().post(f"{MINE}/{payout_id}/cancel", headers=headers).status_code == 200

    def take(payout_id: str) -> bool:
        barrier.wait()
        return sign(funded, payout_id)

    with ThreadPoolExecutor(20) as threads:
        cancelled = [threads.submit(cancel, each) for each in ids]
        taken = [threads.submit(take, each) for each in ids]
    outcomes = [(one.result(), other.result()) for one, other in zip(cancelled, taken, strict=True)]
    assert all(one != other for one, other in outcomes), outcomes
    sent = sum(other for _, other in outcomes)
    assert free(funded, merchant)[1] == sent * (5 * 10**17 + 2 * 10**12)
    assert check(funded) == []


def test_what_was_decided_is_in_the_audit_log_with_who_decided(
    funded: Gateway, send: Send, post: Any
) -> None:
    made = send(item(1), item(2)).get_json()
    post(f"{MINE}/{made['items'][0]['payout_id']}/confirm")
    post(f"{MINE}/batch/{made['batch_id']}/cancel")
    wanted = select(AuditEntry.action, AuditEntry.subject, AuditEntry.actor)
    with funded.db.read() as session:
        rows = session.execute(
            wanted.where(AuditEntry.action.like("payouts.%")).order_by(AuditEntry.id)
        ).all()
    assert [(each.action, each.subject) for each in rows] == [
        ("payouts.created", made["batch_id"]),
        ("payouts.confirmed", made["items"][0]["payout_id"]),
        ("payouts.cancelled", made["batch_id"]),
    ]
    assert all(each.actor.startswith("key:") for each in rows)


def test_a_decision_with_an_idempotency_key_is_answered_again(
    send: Send, client: FlaskClient, headers: dict[str, str]
) -> None:
    made = send(item(1)).get_json()

    def confirm() -> TestResponse:
        path = f"{MINE}/batch/{made['batch_id']}/confirm"
        return client.post(path, headers={**headers, "Idempotency-Key": "go"})

    first, again = confirm(), confirm()
    assert (first.status_code, again.status_code) == (200, 200) and first.data == again.data


def counting(gateway: Gateway, work: Callable[[], object]) -> int:
    """Answer how many statements `work` sends to the database."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(gateway.db.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(gateway.db.engine, "before_cursor_execute", note)
    return len(said)


def test_a_decision_about_many_takes_as_many_statements_as_one_about_few(
    funded: Gateway, send: Send, post: Any
) -> None:
    counts = []
    for ids in (range(2), range(1000, 1400)):
        made = send(*(item(number, amount="0.0001") for number in ids)).get_json()
        path = f"{MINE}/batch/{made['batch_id']}"
        confirm, cancel = partial(post, f"{path}/confirm"), partial(post, f"{path}/cancel")
        counts.append((counting(funded, confirm), counting(funded, cancel)))
    assert counts[0] == counts[1]
    assert check(funded) == []


@pytest.mark.parametrize("path", ["po_nobody/confirm", "po_nobody/cancel", "batch/bat_nobody/confirm"])
def test_what_is_not_there_cannot_be_decided_about(funded: Gateway, post: Any, path: str) -> None:
    assert post(f"{MINE}/{path}").status_code == 404
