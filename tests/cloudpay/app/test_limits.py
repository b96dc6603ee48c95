"""Rate limits over a real Valkey: shared by processes, and no reason to fail when it goes away."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway

LIST = "/api/webhook/deliveries"


@pytest.fixture
def build(gateway: Gateway, valkey: Any) -> Any:
    """Make one more server process of the same gateway."""

    def make(per_key: str) -> FlaskClient:
        limits = msgspec.structs.replace(gateway.settings.limits, per_key=per_key)
        settings = msgspec.structs.replace(gateway.settings, redis_url=valkey.url, limits=limits)
        return create_app(gateway=replace(gateway, settings=settings)).test_client()

    return make


def test_a_limit_holds_over_all_processes(build: Any, headers: dict[str, str]) -> None:
    one, other = build("3 per minute"), build("3 per minute")
    statuses = [client.get(LIST, headers=headers).status_code for client in (one, other, one, other)]
    assert statuses == [200, 200, 200, 429]
    refused = one.get(LIST, headers=headers)
    assert 1 <= int(refused.headers["Retry-After"]) <= 61


def test_requests_go_on_while_valkey_is_killed_and_after_it_is_back(
    build: Any, valkey: Any, headers: dict[str, str], eventually: Any
) -> None:
    """F111."""
    client = build("1000 per minute")
    assert client.get(LIST, headers=headers).status_code == 200
    valkey.kill()
    assert [client.get(LIST, headers=headers).status_code for _ in range(3)] == [200, 200, 200]
    valkey.start()

    def counted_there() -> bool:
        assert client.get(LIST, headers=headers).status_code == 200
        return bool(valkey.client().keys("LIMITS*"))

    eventually(counted_there)
