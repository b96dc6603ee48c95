"""A payout follows its spend, and what it comes to is told once."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.outbox.service import append, drain
from cloudpay.payouts.changes import CHANGED
from cloudpay.payouts.models import BatchRow
from cloudpay.transactions.changes import Selection, change_spends
from cloudpay.transactions.states import SPEND, SpendStatus
from cloudpay.webhooks.models import Delivery
from cloudpay.wiring import EVENT_HANDLERS
from tests.cloudpay.funds import Send
from tests.cloudpay.payouts.items import item

HOOK = "https://shop.example.com/payouts"


class Engine:
    """Does to spends what the engine does, and hands on what it tells."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway

    def move(self, payout_id: str, status: SpendStatus, **values: Any) -> None:
        """Move one spend, wherever it stands."""
        before = [each for each in SpendStatus if SPEND.allows(each, status)]

        def work(session: Session) -> frozenset[str]:
            chosen = Selection(ids=[payout_id])
            return change_spends(session, self.gateway, chosen, before, status, **values)

        assert self.gateway.db.run(work) == {payout_id}, "the spend did not move"

    def hand_on(self) -> None:
        """Drain the outbox."""
        while drain(self.gateway, EVENT_HANDLERS):
            pass

    def to(self, payout_id: str, status: SpendStatus, **values: Any) -> None:
        """Move, and hand on."""
        self.move(payout_id, status, **values)
        self.hand_on()


@pytest.fixture
def engine(funded: Gateway) -> Engine:
    """The engine's part, by hand."""
    return Engine(funded)


@pytest.fixture
def show(client: FlaskClient, headers: dict[str, str]) -> Any:
    """Ask the API for a payout."""
    return lambda payout_id: client.get(f"/api/payout/{payout_id}", headers=headers).get_json()


def told(gateway: Gateway) -> list[dict[str, Any]]:
    """The bodies of the webhooks that were queued, in order."""
    with gateway.db.read() as session:
        return [json.loads(each) for each in session.scalars(select(Delivery.body).order_by(Delivery.id))]


def test_a_payout_follows_its_spend_to_the_end(send: Send, engine: Engine, show: Any) -> None:
    made = send(item(1), auto_confirm=True).get_json()["items"][0]["payout_id"]
    engine.to(made, SpendStatus.SENDING)
    assert show(made)["status"] == "sending"
    engine.to(made, SpendStatus.SENT, tx_id="0xabc")
    assert (show(made)["status"], show(made)["tx_hash"], show(made)["ended_at"]) == ("sent", "0xabc", None)
    engine.to(made, SpendStatus.CONFIRMED, fee=10**12)
    end = show(made)
    assert (end["status"], end["fee"], end["fee_currency"]) == ("confirmed", "0.000001", "ETH")
    assert end["ended_at"] is not None


def test_the_webhook_of_a_confirmed_payout_is_sent_once_and_then_that_of_its_batch(
    funded: Gateway, send: Send, engine: Engine
) -> None:
    made = send(item(1), item(2), auto_confirm=True, callback_url=HOOK).get_json()
    first, second = (each["payout_id"] for each in made["items"])
    engine.to(first, SpendStatus.SENDING)
    engine.to(first, SpendStatus.CONFIRMED, tx_id="0x1", fee=5)
    assert [each["type"] for each in told(funded)] == ["payout.confirmed"]
    engine.to(second, SpendStatus.FAILED, reason="reverted")
    sent = told(funded)
    assert [each["type"] for each in sent] == ["payout.confirmed", "payout.failed", "batch.completed"]
    timestamp = sent[0].pop("timestamp")
    assert sent[0] == {
        "status": "confirmed",
        "id": "REF_001",
        "payout_id": first,
        "batch_id": made["batch_id"],
        "amount": "0.50",
        "currency": "ETH",
        "network": "evm",
        "address": made["items"][0]["address"],
        "tx_hash": "0x1",
        "fee": "0.000000000000000005",
        "fee_currency": "ETH",
        "reason": None,
        "type": "payout.confirmed",
        "livemode": False,
    }
    assert timestamp.startswith("20") and sent[1]["reason"] == "reverted"
    batch = {name: sent[2][name] for name in ("count", "confirmed", "failed", "cancelled", "batch_id")}
    assert batch == {"count": 2, "confirmed": 1, "failed": 1, "cancelled": 0, "batch_id": made["batch_id"]}


def test_f112_an_event_that_comes_twice_or_late_changes_and_tells_nothing_more(
    funded: Gateway, send: Send, engine: Engine, show: Any
) -> None:
    made = send(item(1), auto_confirm=True, callback_url=HOOK).get_json()["items"][0]["payout_id"]
    engine.move(made, SpendStatus.SENDING)
    engine.move(made, SpendStatus.SENT, tx_id="0x1")
    engine.move(made, SpendStatus.CONFIRMED)
    engine.hand_on()
    before, count = show(made), len(told(funded))
    old = {"spend_id": made, "kind": "payout", "status": "sending", "merchant_id": "x"}
    funded.db.run(lambda session: append(session, funded.clock, "spend.changed", made, old))
    engine.hand_on()
    assert show(made) == before
    assert len(told(funded)) == count == 2


def test_a_batch_follows_its_spends_together_and_the_other_events_only_look(
    funded: Gateway, send: Send, engine: Engine, show: Any
) -> None:
    made = send(*map(item, range(10)), auto_confirm=True, callback_url=HOOK).get_json()
    ids = [each["payout_id"] for each in made["items"]]
    for payout_id in ids:
        engine.move(payout_id, SpendStatus.SENDING)
        engine.move(payout_id, SpendStatus.CONFIRMED, tx_id="0x1", fee=5)
    changed: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE payouts SET"):
            changed.append(statement)

    event.listen(funded.db.engine, "before_cursor_execute", note)
    engine.hand_on()
    event.remove(funded.db.engine, "before_cursor_execute", note)
    assert {show(each)["status"] for each in ids} == {"confirmed"}
    assert len(changed) == 1
    assert len(told(funded)) == 11


def test_twenty_events_of_a_batch_cost_as_many_statements_as_two(
    funded: Gateway, send: Send, engine: Engine
) -> None:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    def count(first: int, many: int) -> int:
        items = [item(number, amount="0.001") for number in range(first, first + many)]
        made = send(*items, auto_confirm=True).get_json()
        for each in made["items"]:
            engine.move(each["payout_id"], SpendStatus.SENDING)
        asked.clear()
        drain(funded, EVENT_HANDLERS)
        return len(asked)

    engine.hand_on()
    engines = (funded.db.engine, funded.db.questions)
    for each in engines:
        event.listen(each, "before_cursor_execute", note)
    few, more = count(0, 2), count(2, 20)
    for each in engines:
        event.remove(each, "before_cursor_execute", note)
    assert 0 < more <= few


def test_f33_what_a_deep_reorganisation_took_back_is_under_way_again_and_told_once(
    funded: Gateway, send: Send, engine: Engine, show: Any
) -> None:
    made = send(item(1), auto_confirm=True, callback_url=HOOK).get_json()
    payout_id = made["items"][0]["payout_id"]
    engine.to(payout_id, SpendStatus.SENDING)
    engine.to(payout_id, SpendStatus.CONFIRMED, tx_id="0x1", fee=5)
    engine.to(payout_id, SpendStatus.SENT)
    assert (show(payout_id)["status"], show(payout_id)["ended_at"]) == ("sent", None)
    with funded.db.read() as session:
        assert session.get_one(BatchRow, made["batch_id"]).open == 1
    engine.to(payout_id, SpendStatus.CONFIRMED)
    assert show(payout_id)["status"] == "confirmed"
    assert [each["type"] for each in told(funded)] == ["payout.confirmed", "batch.completed"]


def test_a_batch_that_is_cancelled_whole_is_completed(
    funded: Gateway, send: Send, engine: Engine, client: FlaskClient, headers: dict[str, str]
) -> None:
    made = send(item(1), item(2), callback_url=HOOK).get_json()
    answer = client.post(f"/api/payout/batch/{made['batch_id']}/cancel", headers=headers).get_json()
    assert answer["status"] == "completed" and answer["completed_at"] is not None
    engine.hand_on()
    assert [(each["type"], each["cancelled"]) for each in told(funded)] == [("batch.completed", 2)]


def test_without_a_callback_url_nobody_is_told(funded: Gateway, send: Send, engine: Engine) -> None:
    made = send(item(1), auto_confirm=True).get_json()["items"][0]["payout_id"]
    engine.to(made, SpendStatus.FAILED, reason="no")
    assert told(funded) == []


@pytest.mark.parametrize("kind", ["sweep", "top_up", "gap"])
def test_a_spend_of_another_kind_is_none_of_a_payouts(funded: Gateway, engine: Engine, kind: str) -> None:
    payload = {"spend_id": "x", "kind": kind, "status": "sent", "merchant_id": "m"}
    funded.db.run(lambda session: append(session, funded.clock, "spend.changed", "x", payload))
    engine.hand_on()
    with funded.db.read() as session:
        assert session.scalars(select(Delivery.id)).all() == []
    assert CHANGED in EVENT_HANDLERS
