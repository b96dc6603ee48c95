from typing import Any

import pytest

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import create_merchant
from cloudpay.webhooks.service import deliveries

ROUTE = "/api/webhook/deliveries"


@pytest.fixture
def client(development: Gateway) -> Any:
    """A client of an application that may redeliver to loopback."""
    return create_app(gateway=development).test_client()


@pytest.fixture
def sent(bench: Any, receive: Any, tools: Any) -> str:
    """The id of a delivery that succeeded at its second attempt."""
    receiver = receive(tools.status(410, b"away"), tools.status(200, b"thanks"))
    with tools.running(bench.gateway):
        bench.enqueue(receiver.url)
        gone = bench.until(lambda each: each.status == "gone")
    return str(gone.id)


def test_the_list_answers_deliveries_with_filters_and_pages(
    client: Any, headers: dict[str, str], bench: Any
) -> None:
    for number in range(3):
        bench.enqueue("https://shop.example/", f"evt_{number}", invoice_id=f"INV-{number % 2}")
    answer = client.get(ROUTE, query_string={"invoice_id": "INV-0", "limit": 1}, headers=headers)
    assert answer.status_code == 200
    assert [each["event_id"] for each in answer.json["items"]] == ["evt_2"]
    assert answer.json["more"] is True
    later = {"invoice_id": "INV-0", "limit": 1, "page": 2, "anchor": answer.json["anchor"]}
    assert [
        each["event_id"] for each in client.get(ROUTE, query_string=later, headers=headers).json["items"]
    ] == ["evt_0"]
    none = client.get(ROUTE, query_string={"status": "failed"}, headers=headers)
    assert none.json["items"] == []


@pytest.mark.parametrize(
    "query", [{"status": "lost"}, {"page": 0}, {"page": 10**9}, {"limit": 101}, {"limit": "x"}, {"what": 1}]
)
def test_a_query_that_does_not_fit_is_refused(
    client: Any, headers: dict[str, str], query: dict[str, Any]
) -> None:
    answer = client.get(ROUTE, query_string=query, headers=headers)
    assert answer.status_code == 422
    assert next(iter(query)) in str(answer.json["errors"])


def test_one_delivery_shows_its_body_and_attempts(client: Any, headers: dict[str, str], sent: str) -> None:
    answer = client.get(f"{ROUTE}/{sent}", headers=headers)
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["attempt_count"]) == ("gone", 1)
    assert answer.json["body"] == '{"status":"paid"}'
    (attempt,) = answer.json["attempts"]
    assert (attempt["number"], attempt["status_code"], attempt["answer"]) == (1, 410, "away")


def test_redelivery_by_api_is_accepted_once_for_one_idempotency_key(
    client: Any, headers: dict[str, str], sent: str, bench: Any
) -> None:
    again = {**headers, "Idempotency-Key": "once"}
    first = client.post(f"{ROUTE}/{sent}/redeliver", headers=again)
    second = client.post(f"{ROUTE}/{sent}/redeliver", headers=again)
    assert (first.status_code, first.json["status"]) == (202, "pending")
    assert second.json == first.json
    assert second.headers["Idempotent-Replayed"] == "true"
    assert bench.only().status == "pending"


def test_a_delivery_that_is_another_merchants_is_not_found(
    client: Any, headers: dict[str, str], sent: str, bench: Any
) -> None:
    other = create_merchant(bench.gateway, "Other", livemode=False, payout_currencies={}, actor="cli:test")
    key = create_key(bench.gateway, other.id, name="k", scopes=["read", "webhooks:write"], actor="cli:test")
    strange = {"x-api-key": key.secret}
    for delivery_id in (sent, "whd_none"):
        answers = [
            client.get(f"{ROUTE}/{delivery_id}", headers=strange),
            client.post(f"{ROUTE}/{delivery_id}/redeliver", headers=strange),
        ]
        assert [(each.status_code, each.json["code"]) for each in answers] == [
            (404, "delivery_not_found")
        ] * 2
    assert client.get(ROUTE, headers=strange).json["items"] == []
    assert deliveries(bench.gateway, bench.merchant.id).items[0].status == "gone"


def test_a_key_that_may_only_read_cannot_redeliver(client: Any, sent: str, bench: Any) -> None:
    key = create_key(bench.gateway, bench.merchant.id, name="k", scopes=["read"], actor="cli:test")
    headers = {"x-api-key": key.secret}
    assert client.get(f"{ROUTE}/{sent}", headers=headers).status_code == 200
    assert client.post(f"{ROUTE}/{sent}/redeliver", headers=headers).status_code == 403
    assert client.post(f"{ROUTE}/{sent}/redeliver").status_code == 401


def test_a_body_where_none_is_taken_is_refused(client: Any, headers: dict[str, str], sent: str) -> None:
    answer = client.post(f"{ROUTE}/{sent}/redeliver", json={"url": "https://other.example/"}, headers=headers)
    assert answer.status_code == 422
