"""Address lists and rate limits, through the application."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.settings import InvalidSettings
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import MerchantView

LIST = "/api/webhook/deliveries"


def _client(gateway: Gateway, *, redis_url: str = "", trusted_proxies: int = 0, **limits: str) -> FlaskClient:
    settings = msgspec.structs.replace(
        gateway.settings,
        redis_url=redis_url,
        limits=msgspec.structs.replace(gateway.settings.limits, **limits),
        web=msgspec.structs.replace(gateway.settings.web, trusted_proxies=trusted_proxies),
    )
    return create_app(gateway=replace(gateway, settings=settings)).test_client()


def _key(gateway: Gateway, merchant: MerchantView, **options: Any) -> dict[str, str]:
    made = create_key(gateway, merchant.id, name="k", scopes=["read"], actor="cli:a", **options)
    return {"x-api-key": made.secret}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("192.0.2.7", 200),
        ("::ffff:192.0.2.7", 200),
        ("2001:db8::5", 200),
        ("192.0.2.8", 403),
        ("2001:db9::5", 403),
        ("", 403),
    ],
)
def test_a_key_with_an_address_list_is_refused_from_elsewhere(
    gateway: Gateway, merchant: MerchantView, address: str, status: int
) -> None:
    headers = _key(gateway, merchant, addresses=["192.0.2.7", "2001:db8::/32"])
    response = _client(gateway).get(LIST, headers=headers, environ_base={"REMOTE_ADDR": address})
    assert response.status_code == status
    if status == 403:
        assert response.get_json()["code"] == "address_not_allowed"


def test_a_key_has_its_own_limit_or_that_of_all_keys(gateway: Gateway, merchant: MerchantView) -> None:
    client = _client(gateway, per_key="3 per minute")
    usual, small = _key(gateway, merchant), _key(gateway, merchant, rate_limit="1 per minute")
    assert [client.get(LIST, headers=small).status_code for _ in range(2)] == [200, 429]
    assert [client.get(LIST, headers=usual).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.get("/api/invoice", headers=usual)
    assert refused.status_code == 429, "one limit for all routes"
    assert refused.get_json()["code"] == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61


def test_bad_keys_are_limited_by_address_and_good_ones_go_on(
    gateway: Gateway, merchant: MerchantView
) -> None:
    client, good = _client(gateway, failed_keys_per_address="2 per minute"), _key(gateway, merchant)
    statuses = [client.get(LIST, headers={"x-api-key": f"sk_{number}"}).status_code for number in range(3)]
    assert statuses == [401, 401, 429]
    assert client.get(LIST, headers=good).status_code == 200
    elsewhere = client.get(LIST, headers={"x-api-key": "sk_"}, environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert elsewhere.status_code == 401


def test_a_forged_forwarded_address_does_not_pass_the_limit(gateway: Gateway) -> None:
    """F97."""
    client = _client(gateway, per_address="2 per minute")
    statuses = [
        client.get("/api/openapi.json", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code
        for number in range(3)
    ]
    assert statuses == [200, 200, 429]


def test_behind_a_trusted_proxy_the_address_that_it_saw_counts(gateway: Gateway) -> None:
    """F97: what stands left of the proxy's own entry was made up by the client."""
    client = _client(gateway, per_address="2 per minute", trusted_proxies=1)

    def get(forwarded: str) -> int:
        return client.get("/api/openapi.json", headers={"X-Forwarded-For": forwarded}).status_code

    assert [get(f"10.0.0.{number}, 192.0.2.1") for number in range(3)] == [200, 200, 429]
    assert get("192.0.2.2") == 200


@pytest.mark.parametrize("name", ["per_key", "per_address", "failed_keys_per_address"])
def test_a_limit_that_cannot_be_read_stops_the_start(gateway: Gateway, name: str) -> None:
    unreadable: dict[str, Any] = {name: "often"}
    with pytest.raises(InvalidSettings, match=f"limits.{name}"):
        _client(gateway, **unreadable)


def test_health_is_not_limited(gateway: Gateway) -> None:
    client = _client(gateway, per_address="1 per minute")
    assert [client.get("/healthz").status_code for _ in range(3)] == [200] * 3


def test_without_redis_the_limits_are_counted_in_memory_and_nothing_fails(
    gateway: Gateway, merchant: MerchantView
) -> None:
    """F111."""
    client = _client(gateway, redis_url="redis://127.0.0.1:1/0", per_key="2 per minute")
    headers = _key(gateway, merchant)
    assert [client.get(LIST, headers=headers).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get(LIST, headers={"x-api-key": "sk_no"}).status_code == 401
