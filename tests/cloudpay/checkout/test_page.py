import json
import re

import pytest
from flask.testing import FlaskClient

from cloudpay.chains.gateway import Gateway
from cloudpay.payments.health import verify


@pytest.fixture
def invoice(client: FlaskClient, headers: dict[str, str], gateway: Gateway) -> dict[str, str]:
    verify(gateway, gateway.chains.network("evm"), gateway.chains.adapter("evm"))
    body = {
        "amount": "1.5",
        "currency": "ETH",
        "customer_name": "<script>alert(1)</script>",
        "notification_emails": "a@example.com",
    }
    made: dict[str, str] = client.post("/api/invoice", headers=headers, data=json.dumps(body)).get_json()
    return made


def test_the_page_shows_amount_address_and_state_and_loads_nothing_from_outside(
    client: FlaskClient, invoice: dict[str, str]
) -> None:
    answer = client.get(f"/pay/{invoice['id']}")
    assert answer.status_code == 200
    for shown in ("1.50", invoice["address_in"], "Waiting for your payment", "Test network"):
        assert shown in answer.text
    assert re.findall(r'(?:src|href)="(https?:)?//', answer.text) == []
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "script" not in answer.text


def test_the_page_says_nothing_about_the_merchants_customer(
    client: FlaskClient, invoice: dict[str, str]
) -> None:
    assert "alert(1)" not in client.get(f"/pay/{invoice['id']}").text


def test_a_browser_keeps_the_qr_code(client: FlaskClient, invoice: dict[str, str]) -> None:
    first = client.get(f"/pay/{invoice['id']}/qr.svg")
    again = client.get(f"/pay/{invoice['id']}/qr.svg", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)


@pytest.mark.parametrize("path", ["INV-nothing", "INV-nothing/qr.png"])
def test_an_unknown_invoice_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(f"/pay/{path}").status_code == 404


def test_an_unknown_kind_of_picture_is_not_found(client: FlaskClient, invoice: dict[str, str]) -> None:
    assert client.get(f"/pay/{invoice['id']}/qr.gif").status_code == 404


def test_an_invoice_that_has_ended_asks_for_nothing(
    client: FlaskClient, invoice: dict[str, str], headers: dict[str, str]
) -> None:
    client.post(f"/api/invoice/{invoice['id']}/cancel", headers=headers)
    page = client.get(f"/pay/{invoice['id']}").text
    assert "was cancelled" in page
    assert invoice["address_in"] not in page
