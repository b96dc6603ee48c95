"""What holds for every route of the API; they are listed from the application, so that a new one is held to it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from msgspec import structs
from werkzeug.test import TestResponse

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.sections import Limits
from cloudpay.kernel.settings import Settings
from cloudpay.merchants.keys import NewKey, create_key, revoke_key
from cloudpay.merchants.service import MerchantView, create_merchant
from cloudpay.testing import FixedClock
from cloudpay.testing.addresses import fake_address

_NEEDED = {"/api/user/balance": "?network=evm"}
"""Queries that a path cannot do without."""
_PUBLIC = {"reader"}  # blueprints below /api that hold nothing of a merchant's


class Route(NamedTuple):
    method: str
    path: str


def _routes(app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api") and rule.endpoint.split(".")[0] not in _PUBLIC:
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<{name}>", "none")
            assert "<" not in path, f"{rule.rule} has a converter that this test does not fill"
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Route(method, path)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As for all tests, but with room for as many bad keys as there are routes to try them on."""
    return structs.replace(settings, limits=Limits(failed_keys_per_address="10000 per minute"))


@pytest.fixture
def routes(app: Flask) -> list[Route]:
    found = list(_routes(app))
    assert Route("POST", "/api/invoice") in found
    assert Route("GET", "/api/invoice/none") in found
    return found


def _problem(response: TestResponse, status: int | None = None) -> dict[str, Any]:
    """Hold an answer against the shape that every refusal has."""
    assert response.mimetype == "application/problem+json", response.data[:300]
    body: dict[str, Any] = json.loads(response.data)
    assert body["status"] == response.status_code
    assert status in (None, response.status_code), body
    assert 400 <= response.status_code < 500, body
    assert body["code"].replace("_", "").isalnum()
    assert body["type"].endswith(body["code"])
    assert len(body["detail"].split()) > 3, "a sentence that says what to do"
    assert body["request_id"] == response.headers["X-Request-Id"]
    return body


def test_every_route_refuses_a_missing_garbage_revoked_or_expired_key(
    routes: list[Route],
    client: FlaskClient,
    gateway: Gateway,
    merchant: MerchantView,
    clock: FixedClock,
) -> None:
    """F80."""

    def key(**options: Any) -> NewKey:
        return create_key(gateway, merchant.id, name="k", scopes=["read"], actor="cli:a", **options)

    revoked, expired = key(), key(expires_at=clock.moment + timedelta(minutes=1))
    revoke_key(gateway, merchant.id, revoked.view.id, actor="cli:a")
    clock.advance(timedelta(minutes=1))
    bad = ["", "garbage", "sk_" + "x" * 43, "sk_ключ", revoked.secret, expired.secret]
    for route in routes:
        for secret in [None, *bad]:
            headers = {} if secret is None else {"x-api-key": secret.encode().decode("latin-1")}
            response = client.open(route.path, method=route.method, headers=headers, data=b"{")
            _problem(response, 401)
            assert response.headers["WWW-Authenticate"]


def test_a_key_is_refused_when_the_header_names_another_merchant(
    routes: list[Route], client: FlaskClient, gateway: Gateway, key: NewKey
) -> None:
    other = create_merchant(gateway, "Other", livemode=False, payout_currencies={}, actor="cli:a")
    for route in routes:
        headers = {"x-api-key": key.secret, "merchant-id": other.id}
        body = _problem(client.open(route.path, method=route.method, headers=headers), 401)
        assert body["code"] == "merchant_id_contradiction"


def test_a_read_key_cannot_write(
    routes: list[Route], client: FlaskClient, gateway: Gateway, merchant: MerchantView
) -> None:
    """F82."""
    reader = create_key(gateway, merchant.id, name="k", scopes=["read"], actor="cli:a")
    for route in routes:
        path = route.path + _NEEDED.get(route.path, "")
        response = client.open(path, method=route.method, headers={"x-api-key": reader.secret})
        if route.method == "GET":
            assert response.status_code in (200, 404), response.data
        else:
            assert _problem(response, 403)["code"] == "scope_missing"


_DEEP = b'{"a":' * 100_000
_BAD_BODIES = {
    "garbage": (b"\x00\x01garbage", 400),
    "form": (b"amount=5&currency=ETH", 400),
    "cut": (b'{"amount": "1', 400),
    "deep": (_DEEP, 400),
    "deep list": (b"[" * 100_000, 400),
    "duplicate keys": (b'{"amount": "1", "amount": "2"}', 400),
    "not a number": (b'{"amount": NaN}', 400),
    "not UTF-8": (b'{"a": "\xff"}', 400),
    "NUL": (b'{"customer_name": "a\\u0000b"}', 400),
    "a list": (b"[1, 2]", 422),
    "a text": (b'"amount"', 422),
    "null": (b"null", 422),
    "unknown field": (b'{"is_admin": true, "merchant_id": "mer_other"}', 422),
}


_FILE = "/api/user/payouts/bulk/csv"
"""Takes a table and no JSON: each of these bodies is a file that is none."""


@pytest.mark.parametrize("kind", _BAD_BODIES)
def test_every_post_refuses_a_bad_body_with_what_to_do(
    routes: list[Route], client: FlaskClient, headers: dict[str, str], kind: str
) -> None:
    """F86, F100."""
    data, status = _BAD_BODIES[kind]
    for route in routes:
        if route.method == "POST":
            for content_type in ("application/json", "application/x-www-form-urlencoded", None):
                response = client.post(route.path, headers=headers, data=data, content_type=content_type)
                body = _problem(response, 422 if route.path == _FILE else status)
                if kind == "unknown field" and route.path != _FILE:
                    assert {"is_admin", "merchant_id"} <= set(body["errors"])


def test_every_post_refuses_a_huge_body(
    routes: list[Route], client: FlaskClient, headers: dict[str, str], gateway: Gateway
) -> None:
    """F100."""
    data = b'{"a": "' + b"x" * gateway.settings.web.max_body_bytes + b'"}'
    for route in routes:
        if route.method == "POST":
            response = client.post(route.path, headers=headers, data=data)
            assert _problem(response, 413)["code"] == "body_too_large"


def test_every_list_bounds_its_pages_and_refuses_unknown_filters(
    routes: list[Route], client: FlaskClient, headers: dict[str, str]
) -> None:
    """F101."""
    lists = [
        route
        for route in routes
        if route.method == "GET" and client.get(route.path, headers=headers).status_code == 200
    ]
    assert Route("GET", "/api/invoice") in lists
    for route in lists:
        for query in ("page=1000000000", "page=0", "limit=101", "page=x", "limit=1e2", "colour=red"):
            body = _problem(client.get(f"{route.path}?{query}", headers=headers), 422)
            assert query.split("=")[0] in body["errors"]
        assert client.get(f"{route.path}?page=1000000&limit=100", headers=headers).status_code == 200


def test_what_does_not_exist_is_not_found_whatever_its_id_looks_like(
    app: Flask, client: FlaskClient, headers: dict[str, str]
) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api") and rule.arguments]
    for rule in rules:
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            for identifier in ("INV-none", "%00", "a%0d%0ab", "%ff%fe", "' OR 1=1 --", "x" * 5000, "%2e%2e"):
                path = rule.rule.replace("<", "").replace(">", "")
                for name in rule.arguments:
                    path = path.replace(name, identifier) if name in path else path
                _problem(client.open(path, method=method, headers=headers), 404)


def test_every_route_refuses_other_methods_and_names_its_own(
    routes: list[Route], client: FlaskClient, headers: dict[str, str]
) -> None:
    for path in {route.path for route in routes}:
        response = client.delete(path, headers=headers)
        _problem(response, 405)
        assert {route.method for route in routes if route.path == path} <= set(
            response.headers["Allow"].split(", ")
        )


def test_an_invalid_idempotency_key_is_refused_by_every_post(
    routes: list[Route], client: FlaskClient, headers: dict[str, str]
) -> None:
    invoice = {
        "amount": "1",
        "currency": "ETH",
        "customer_name": "A",
        "notification_emails": "a@example.com",
    }
    payout = {"address": fake_address("a"), "amount": "1", "id": "A"}
    bodies = {
        "/api/invoice": invoice,
        "/api/payout": payout,
        "/api/user/payouts/bulk/api": {"items": [payout]},
    }
    for route in routes:
        if route.method == "POST":
            sent = json.dumps(bodies.get(route.path, {}))
            for bad in ("", "a b", "x" * 256, "ä"):
                response = client.post(route.path, headers={**headers, "Idempotency-Key": bad}, data=sent)
                assert _problem(response, 422)["code"] == "invalid_idempotency_key"
