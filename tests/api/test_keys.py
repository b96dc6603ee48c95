"""F80 and F82 over a real socket, on every route that the application has."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from cloudpay.app import create_app
from cloudpay.merchants.keys import create_key, revoke_key
from cloudpay.merchants.models import ApiKey
from cloudpay.merchants.states import Scope
from tests.api.house import ACTOR, Answer, House, Tenant
from tests.api.routes import PUBLIC, Route, good_body, ids_of, routes


@pytest.fixture(scope="module")
def tenant(house: House) -> Tenant:
    """Whose keys are tried."""
    return house.tenant("Tea Shop")


def _key(house: House, tenant: Tenant, *scopes: str) -> tuple[str, str]:
    made = create_key(house.gateway, tenant.merchant_id, name="k", scopes=scopes, actor=ACTOR)
    return made.view.id, made.secret


def _ask(house: House, route: Route, tenant: Tenant, headers: Mapping[str, str]) -> Answer:
    body = None
    if route.method != "GET":
        body = json.dumps(good_body(route)).encode()
    return house.send(route.method, route.path.format(**ids_of(tenant)), headers, body)


def test_f80_every_route_asks_for_a_key_or_is_public_for_a_reason(house: House) -> None:
    rules = list(create_app(gateway=house.gateway).url_map.iter_rules())
    served = {rule.endpoint for rule in rules}
    assert set(PUBLIC) <= served, "a reason for what is no more"
    behind = {route.endpoint for route in routes(house)}
    assert behind == served - set(PUBLIC)
    assert len(behind) >= 7
    assert all(rule.rule.startswith("/api/") for rule in rules if rule.endpoint in behind)


def test_f80_every_route_refuses_a_bad_key_over_a_real_socket(house: House, tenant: Tenant) -> None:
    """None, garbage, another's, revoked, expired; whatever of them it is, the answer is the same."""
    revoked_id, revoked = _key(house, tenant, *Scope)
    expired_id, expired = _key(house, tenant, *Scope)
    revoke_key(house.gateway, tenant.merchant_id, revoked_id, actor=ACTOR)
    with house.gateway.db.transaction() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(ApiKey).where(ApiKey.id == expired_id).values(expires_at=past))
    bad = {
        "garbage": "garbage",
        "of the right shape": "sk_" + "x" * 43,
        "revoked": revoked,
        "expired": expired,
        "one character off": tenant.api_key[:-1] + ("a" if tenant.api_key[-1] != "a" else "b"),
        "with a second one": f"{tenant.api_key}, {tenant.api_key}",
        "in other capitals": tenant.api_key.swapcase(),
        "very long": "sk_" + "x" * 5000,
    }
    for route in routes(house):
        missing = _ask(house, route, tenant, {"X-Request-Id": "same"})
        assert (missing.status, missing.json["code"]) == (401, "api_key_missing"), route
        told = set()
        for kind, secret in bad.items():
            answer = _ask(house, route, tenant, {"x-api-key": secret, "X-Request-Id": "same"})
            assert answer.status == 401, (route, kind, answer)
            assert answer.headers["www-authenticate"] == 'ApiKey realm="cloudpay"'
            told.add(answer.body)
        odd = _ask(house, route, tenant, {"x-api-key": "sk_\xe4"})
        assert odd.status == 401, "the server drops a header that is not ASCII"
        assert len(told) == 1, (route, "which of them it is, is not told")


def test_f80_a_key_works_nowhere_but_in_its_header(house: House, tenant: Tenant) -> None:
    key = tenant.api_key
    for route in routes(house):
        path = route.path.format(**ids_of(tenant))
        for query in (f"x-api-key={key}", f"api_key={key}", f"key={key}"):
            assert house.send(route.method, f"{path}?{query}").status == 401, route
        for headers in (
            {"Authorization": f"Bearer {key}"},
            {"Authorization": f"ApiKey {key}"},
            {"Cookie": f"x-api-key={key}"},
        ):
            assert house.send(route.method, path, headers).status == 401, route


def test_f80_the_key_is_looked_at_before_anything_else_of_the_request(house: House, tenant: Tenant) -> None:
    """A stranger learns nothing from errors about bodies, fields or ids, nor has anything parsed."""
    for route in routes(house):
        for body in (b"{", b"[" * 100_000, b'{"a":1,"a":2}', b"\xff"):
            path = route.path.format(**ids_of(tenant)) + "?page=x&colour=red"
            answer = house.send("POST" if route.method == "POST" else "GET", path, {}, body)
            assert answer.status == 401, (route, answer)


def test_f82_every_route_refuses_a_key_without_its_scope(house: House, tenant: Tenant) -> None:
    keys = {scope: _key(house, tenant, scope)[1] for scope in Scope}
    allowed = {
        ("GET", "invoices"): {Scope.READ, Scope.INVOICES_WRITE},
        ("POST", "invoices"): {Scope.INVOICES_WRITE},
        ("GET", "payouts"): {Scope.READ, Scope.PAYOUTS_WRITE},
        ("POST", "payouts"): {Scope.PAYOUTS_WRITE},
        ("GET", "wallets"): {Scope.READ},
        ("GET", "webhooks"): {Scope.READ, Scope.WEBHOOKS_WRITE},
        ("POST", "webhooks"): {Scope.WEBHOOKS_WRITE},
    }
    for route in routes(house):
        may = allowed[route.method, route.endpoint.partition(".")[0]]
        for scope, secret in keys.items():
            answer = _ask(house, route, tenant, {"x-api-key": secret})
            assert answer.status != 401, (route, scope)
            assert (answer.status == 403) == (scope not in may), (route, scope, answer)
            if answer.status == 403:
                assert answer.json["code"] == "scope_missing"
