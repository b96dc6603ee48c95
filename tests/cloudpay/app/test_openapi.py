"""The OpenAPI document and its reader."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from cloudpay.app.openapi import document
from cloudpay.app.operations import LINKS
from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.change import webhook_body
from cloudpay.payouts.changes import CONFIRMED, EVENT_TYPES, batch_body, payout_body
from cloudpay.payouts.models import BatchRow, PayoutRow


def test_the_document_is_valid_and_is_served(client: FlaskClient, app: Flask) -> None:
    served = client.get("/api/openapi.json").get_json()
    validate(served)
    assert served["openapi"].startswith("3.1")
    assert served == document(app)


def test_every_route_of_the_api_is_in_it_below_the_published_base(app: Flask) -> None:
    made = document(app)
    assert made["servers"] == [{"url": "/api"}]
    there = {
        (method.upper(), re.sub(r"\{(\w+)\}", r"<\1>", path))
        for path, item in made["paths"].items()
        for method in item
        if method != "parameters"
    }
    served = {
        (method, rule.rule.removeprefix("/api"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api") and not rule.endpoint.startswith("reader.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert there == served
    assert ("POST", "/invoice") in there


def test_both_headers_the_webhook_and_problems_are_documented(app: Flask) -> None:
    made = document(app)
    schemes = made["components"]["securitySchemes"]
    assert {each["name"] for each in schemes.values()} == {"x-api-key", "merchant_id"}
    published = {"status", "invoice_id", "amount", "currency", "tx_hash", "address_in", "received_amount"}
    assert published <= set(made["components"]["schemas"]["InvoiceChanged"]["properties"])
    assert made["webhooks"]["invoice.paid"]["post"]["requestBody"]
    for response in made["components"]["responses"].values():
        if "content" in response:
            assert set(response["content"]) == {"application/problem+json"}
    for path, item in made["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                assert operation["summary"], path
                assert operation["responses"]["default"], path


def test_the_webhook_is_documented_with_exactly_what_is_sent(app: Flask, shop: Any) -> None:
    sent = webhook_body(shop.ask())
    assert set(document(app)["components"]["schemas"]["InvoiceChanged"]["properties"]) == set(sent)


def test_the_webhooks_of_payouts_are_documented_with_exactly_what_is_sent(
    app: Flask, gateway: Gateway
) -> None:
    made = document(app)
    assert set(EVENT_TYPES) <= set(made["webhooks"])
    batch = BatchRow(id="bat_1", items=1, livemode=False)
    payout = PayoutRow(
        id="po_1",
        batch_id="bat_1",
        external_id="REF_001",
        status="confirmed",
        network="evm",
        symbol="ETH",
        decimals=18,
        amount=1,
        address="fake1",
        livemode=False,
    )
    with gateway.db.read() as session:
        bodies = {
            "PayoutChanged": payout_body(gateway, payout, CONFIRMED),
            "BatchCompleted": batch_body(session, batch),
        }
    for name, sent in bodies.items():
        assert list(made["components"]["schemas"][name]["properties"]) == [*sent, "timestamp"], name


def test_money_is_asked_for_as_a_decimal_string_or_number_and_answered_as_a_string(app: Flask) -> None:
    schemas = document(app)["components"]["schemas"]
    asked, answered = (schemas[name]["properties"]["amount"] for name in ("NewInvoice", "Invoice"))
    assert (asked["type"], asked["format"]) == (["string", "number"], "decimal")
    assert re.fullmatch(asked["pattern"], "10.50") and not re.fullmatch(asked["pattern"], "0.00")
    assert (answered["type"], answered["format"]) == ("string", "decimal")


def test_every_operation_names_its_refusals_its_headers_and_what_can_be_asked_next(app: Flask) -> None:
    made = document(app)
    operations = {
        each["operationId"]: each
        for item in made["paths"].values()
        for each in item.values()
        if "responses" in each
    }
    assert len(operations) == sum(len(set(item) - {"parameters"}) for item in made["paths"].values())
    assert set(LINKS) <= set(operations)
    for operation in operations.values():
        answers = operation["responses"]
        assert {"401", "403", "429", "503", "default"} <= set(answers)
        good = [answer for status, answer in answers.items() if status.startswith("2")]
        assert good
        for each in good:
            assert each["headers"]["X-Request-Id"]["required"]
            assert {link["operationId"] for link in each.get("links", {}).values()} <= set(operations)


def test_every_field_of_an_answer_is_always_there(app: Flask) -> None:
    """Those of a request are not all required: an answer's schema says so by itself."""
    schemas = document(app)["components"]["schemas"]
    for name in ("Invoice", "InvoicePage", "Payment", "PaymentOption", "DeliveryDetailsAnswer", "Problem"):
        assert schemas[name]["required"] == list(schemas[name]["properties"]), name
    assert schemas["NewInvoice"]["required"] == ["currency", "customer_name", "notification_emails"]


def test_making_the_document_twice_gives_the_same(app: Flask) -> None:
    assert document(app) == document(app)


def test_the_reader_loads_nothing_from_outside(client: FlaskClient) -> None:
    page = client.get("/api/docs")
    text = page.get_data(as_text=True)
    assert page.mimetype == "text/html"
    assert "//" not in text.replace("<!doctype", "")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "script-src 'self';" in policy
    loaded = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert "/api/docs/swagger-ui-bundle.js" in loaded
    for address in loaded:
        assert client.get(address).status_code == 200, address
    assert "http" not in client.get("/api/docs/start.js").get_data(as_text=True)


@pytest.mark.parametrize("name", ["index.html", "../__init__.py", "%2e%2e%2f__init__.py", "swagger-ui.js"])
def test_the_reader_serves_its_own_files_only(client: FlaskClient, name: str) -> None:
    assert client.get(f"/api/docs/{name}").status_code == 404
