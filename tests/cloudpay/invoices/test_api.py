import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.merchants.service import MerchantView
from cloudpay.payments.health import verify
from cloudpay.testing import FakePlugin

PUBLISHED: dict[str, object] = {
    "amount": "50.00",
    "currency": "USDT",
    "network": "evm",
    "customer_name": "John Doe",
    "notification_emails": "[email protected]",
    "callback_url": "https://mysite.com/hook",
    "priority": "high",
}


@pytest.fixture(autouse=True)
def _open(gateway: Gateway, merchant: MerchantView) -> None:
    for network in gateway.chains:
        verify(gateway, network, gateway.chains.adapter(network.code))


def post(client: FlaskClient, headers: dict[str, str], body: dict[str, object], **more: str) -> TestResponse:
    return client.post("/api/invoice", headers={**headers, **more}, data=json.dumps(body))


def test_the_published_request_is_answered_with_an_invoice(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    answer = post(client, headers, PUBLISHED)
    assert answer.status_code == 201, answer.text
    invoice = answer.get_json()
    assert invoice["status"] == "pending"
    assert (invoice["amount"], invoice["currency"], invoice["network"]) == ("50.00", "USDT", "evm")
    assert invoice["address_in"].startswith("fake1")
    assert invoice["warnings"] == [
        (
            "notification_emails: '[email protected]' is neither an e-mail address nor a notification channel; "
            "nothing is sent to it."
        )
    ]
    again = client.get(f"/api/invoice/{invoice['id']}", headers=headers).get_json()
    assert again == invoice
    for kind, signature in (("png", b"\x89PNG"), ("svg", b"<")):
        picture = client.get(f"/pay/{invoice['id']}/qr.{kind}")
        assert picture.data.startswith(signature)
    page = client.get(f"/pay/{invoice['id']}").text
    assert invoice["address_in"] in page
    assert "50.00" in page


def test_totalusd_freezes_an_amount_that_is_rounded_up(client: FlaskClient, headers: dict[str, str]) -> None:
    body = {key: value for key, value in PUBLISHED.items() if key != "amount"} | {
        "totalusd": 10,
        "currency": "eth",
    }
    invoice = post(client, headers, body).get_json()
    assert (invoice["amount"], invoice["totalusd"]) == ("0.004", "10")
    option = invoice["payment_options"][0]
    assert (option["rate"], option["rate_source"]) == ("2500", "fixed")
    thirds = post(client, headers, body | {"totalusd": "0.01", "currency": "BTC", "network": ""}).get_json()
    assert (thirds["amount"], thirds["currency"]) == ("0.000001", "WBTC")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"totalusd": "1"}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": "0.0000001"}, "amount"),
        ({"currency": "DOGE"}, "currency"),
        ({"network": "solana"}, "network"),
        ({"customer_name": ""}, "customer_name"),
        ({"customer_name": "a\r\nBcc: x"}, "customer_name"),
        ({"priority": "urgent"}, "priority"),
        ({"callback_url": "http://169.254.169.254/"}, "callback_url"),
        ({"callback_url": "ftp://mysite.com"}, "callback_url"),
        ({"expiry_minutes": 0}, "expiry_minutes"),
        ({"status": "paid"}, "status"),
        ({"merchant_id": "mer_other"}, "merchant_id"),
    ],
)
def test_f86_bad_fields_are_named(
    client: FlaskClient, headers: dict[str, str], change: dict[str, object], field: str
) -> None:
    answer = post(client, headers, PUBLISHED | change)
    assert answer.status_code == 422, answer.text
    assert answer.content_type == "application/problem+json"
    assert field in answer.get_json()["errors"], answer.get_json()


@pytest.mark.parametrize(
    "amount",
    ["-1", "0", "-0", "NaN", "1e-30", "1e400", "١٢", "１２", "1_000", " 1 ", "", "1.", ".5", True, [], 0, -5],
)
def test_f67_amounts_that_are_none_are_refused(
    client: FlaskClient, headers: dict[str, str], amount: object
) -> None:
    answer = post(client, headers, PUBLISHED | {"amount": amount})
    assert answer.status_code == 422, answer.text
    assert "amount" in answer.get_json()["errors"]


def test_null_is_as_good_as_left_out(client: FlaskClient, headers: dict[str, str]) -> None:
    nothing = dict.fromkeys(("network", "priority", "expiry_minutes", "callback_url"))
    answer = post(client, headers, PUBLISHED | nothing)
    assert answer.status_code == 201, answer.text
    assert answer.get_json()["network"] == "evm" and answer.get_json()["priority"] == "medium"


@pytest.mark.parametrize(
    ("amount", "shown"), [("50", "50.00"), (50, "50.00"), (0.1, "0.10"), ("0.000001", "0.000001")]
)
def test_amounts_are_read_exactly(
    client: FlaskClient, headers: dict[str, str], amount: object, shown: str
) -> None:
    assert post(client, headers, PUBLISHED | {"amount": amount}).get_json()["amount"] == shown


def test_an_idempotency_key_makes_one_invoice_of_many_requests(
    client: FlaskClient, headers: dict[str, str], app: Flask
) -> None:
    def send(_: int) -> TestResponse:
        return post(app.test_client(), headers, PUBLISHED, **{"Idempotency-Key": "order-1"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.get_json()["id"] for each in answers}) == 1
    other = post(client, headers, PUBLISHED | {"amount": "51"}, **{"Idempotency-Key": "order-1"})
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_key_reused")
    assert len(client.get("/api/invoice", headers=headers).get_json()["items"]) == 1


def test_the_list_is_filtered_paged_and_steady_under_inserts(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    ids = [post(client, headers, PUBLISHED | {"amount": str(n)}).get_json()["id"] for n in range(1, 6)]
    first = client.get("/api/invoice?limit=2", headers=headers).get_json()
    assert [each["id"] for each in first["items"]] == [ids[4], ids[3]]
    post(client, headers, PUBLISHED)
    second = client.get(f"/api/invoice?limit=2&page=2&anchor={first['anchor']}", headers=headers).get_json()
    assert [each["id"] for each in second["items"]] == [ids[2], ids[1]]
    client.post(f"/api/invoice/{ids[0]}/cancel", headers=headers)
    cancelled = client.get(
        "/api/invoice?status=cancelled&network=EVM&currency=usdt", headers=headers
    ).get_json()
    assert [each["id"] for each in cancelled["items"]] == [ids[0]]
    assert (
        client.get("/api/invoice?created_from=2030-01-01T00:00:00Z", headers=headers).get_json()["items"]
        == []
    )


def test_a_cancelled_invoice_stays_so(client: FlaskClient, headers: dict[str, str]) -> None:
    invoice = post(client, headers, PUBLISHED).get_json()
    cancelled = client.post(f"/api/invoice/{invoice['id']}/cancel", headers=headers)
    assert (cancelled.status_code, cancelled.get_json()["status"]) == (200, "cancelled")
    again = client.post(f"/api/invoice/{invoice['id']}/cancel", headers=headers)
    assert (again.status_code, again.get_json()["code"]) == (409, "not_cancellable")


def test_f81_another_merchants_invoice_is_as_one_that_does_not_exist(
    client: FlaskClient, headers: dict[str, str], gateway: Gateway
) -> None:
    from cloudpay.merchants.keys import create_key
    from cloudpay.merchants.service import create_merchant

    invoice = post(client, headers, PUBLISHED).get_json()
    other = create_merchant(gateway, "Other", livemode=False, payout_currencies={}, actor="cli:test")
    key = create_key(gateway, other.id, name="k", scopes=["invoices:write", "read"], actor="cli:test")
    theirs = {"x-api-key": key.secret}
    for method, path in [("GET", ""), ("POST", "/cancel")]:
        answer = client.open(f"/api/invoice/{invoice['id']}{path}", method=method, headers=theirs)
        missing = client.open(f"/api/invoice/INV-0{path}", method=method, headers=theirs)
        assert answer.status_code == missing.status_code == 404
        assert answer.get_json()["code"] == missing.get_json()["code"] == "unknown_invoice"
    assert client.get("/api/invoice", headers=theirs).get_json()["items"] == []


def test_a_network_that_is_not_verified_takes_no_invoices(
    client: FlaskClient, headers: dict[str, str], gateway: Gateway
) -> None:
    from cloudpay.payments.networks import pause

    pause(gateway, "evm", "Maintenance.")
    answer = post(client, headers, PUBLISHED)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "network_unavailable")
    assert "Maintenance." in answer.get_json()["detail"]


def test_a_live_key_cannot_use_a_test_network(client: FlaskClient, gateway: Gateway) -> None:
    from cloudpay.merchants.keys import create_key
    from cloudpay.merchants.service import create_merchant

    live = create_merchant(gateway, "Live", livemode=True, payout_currencies={}, actor="cli:test")
    key = create_key(gateway, live.id, name="k", scopes=["invoices:write"], actor="cli:test")
    answer = post(client, {"x-api-key": key.secret}, PUBLISHED)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "mode_mismatch")


@pytest.mark.parametrize("name", ["created_from", "created_to"])
@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", "yesterday"]
)
def test_a_time_that_cannot_be_used_is_refused(
    client: FlaskClient, headers: dict[str, str], name: str, moment: str
) -> None:
    """F101."""
    answer = client.get("/api/invoice", query_string={name: moment}, headers=headers)
    assert answer.status_code == 422
    assert "2026-01-31T12:00:00Z" in answer.get_json()["errors"][name][0]


def test_an_amount_that_cannot_be_read_is_not_called_missing(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    for amount in ("-1", None, [1]):
        answer = client.post("/api/invoice", json={"amount": amount}, headers=headers)
        assert answer.status_code == 422
        assert len(answer.get_json()["errors"]["amount"]) == 1
    missing = client.post("/api/invoice", json={}, headers=headers).get_json()["errors"]["amount"]
    assert missing == ["Send either `amount` or `totalusd`, exactly one of them."]


def test_invoices_of_a_network_that_was_taken_out_of_the_settings_can_be_read(
    client: FlaskClient, headers: dict[str, str], gateway: Gateway, fakes: FakePlugin
) -> None:
    made = post(client, headers, PUBLISHED).get_json()
    left = load_chains({"fake2": {"live": False}}, "fake2", ("fake", fakes))
    later = create_app(gateway=replace(gateway, chains=left)).test_client()
    one = later.get(f"/api/invoice/{made['id']}", headers=headers)
    assert one.status_code == 200, one.text
    assert (one.get_json()["address_in"], one.get_json()["payment_uri"]) == (made["address_in"], None)
    every = later.get("/api/invoice", headers=headers)
    assert [each["id"] for each in every.get_json()["items"]] == [made["id"]], every.text
