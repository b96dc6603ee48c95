"""Methods and paths over a real socket: nothing redirects, nothing is taken for what it is not."""

import pytest

from tests.api.house import House, Tenant
from tests.api.routes import ids_of, routes
from tests.api.wire import Wire, request


@pytest.fixture(scope="module")
def tenant(house: House) -> Tenant:
    """Whose key it is."""
    return house.tenant("Tea Shop")


@pytest.mark.parametrize(
    "path",
    [
        "/api//invoice",
        "/api///invoice",
        "/api/invoice/",
        "/api//docs",
        "/pay//INV-1",
        "/api/./invoice",
        "/api/../api/invoice",
        "/api/invoice/..",
        "/api/invoice/%2e%2e",
        "/api/invoice/%2e%2e%2fmetrics",
        "/api/invoice/INV-1%2Fcancel",
        "/api/invoice/INV-1%252Fcancel",
        "/api/invoice/%00",
        "/api/invoice/a%0d%0aSet-Cookie:%20a=b",
        "/api/invoice/a%0aLocation:%20//evil.example",
        "/api;x=y/invoice",
        "/API/INVOICE",
        "//evil.example/api/invoice",
        "//evil.example/%2e%2e",
        "/%2f%2fevil.example/",
        "/\\evil.example",
        "/api/invoice\\..\\metrics",
        "*",
    ],
)
def test_a_path_that_is_not_exactly_a_route_is_not_found_and_never_redirects(
    house: House, tenant: Tenant, path: str
) -> None:
    """A redirect would lead to whatever host the client has named, its key with it."""
    key = f"x-api-key: {tenant.api_key}"
    hosts = ("Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher")
    for method in ("GET", "POST"):
        data = request(method, path, key, *hosts).replace(b"Host: gateway.example\r\n", b"")
        reply = Wire(house).send(data)
        assert reply.status in (404, 405), reply.raw[:400]
        head = reply.raw.partition(b"\r\n\r\n")[0].lower()
        assert b"location:" not in head and b"set-cookie:" not in head
        assert b"evil.example" not in head


def test_no_answer_names_the_host_that_the_client_sent(house: House, tenant: Tenant) -> None:
    """Links are made from the settings, never from the request."""
    for route in routes(house):
        data = request(
            route.method,
            route.path.format(**ids_of(tenant)),
            f"x-api-key: {tenant.api_key}",
            "X-Forwarded-Host: evil.example",
            "Forwarded: host=evil.example",
            "Content-Length: 0",
        ).replace(b"gateway.example", b"evil.example")
        reply = Wire(house).send(data)
        assert reply.status and b"evil.example" not in reply.raw, (route, reply.raw[:600])


def test_every_route_takes_its_own_methods_alone(house: House, tenant: Tenant) -> None:
    paths: dict[str, set[str]] = {}
    for route in routes(house):
        paths.setdefault(route.path.format(**ids_of(tenant)), set()).add(route.method)
    for path, methods in paths.items():
        for method in {
            "PUT",
            "PATCH",
            "DELETE",
            "TRACE",
            "CONNECT",
            "PROPFIND",
            "FOO",
            "GET",
            "POST",
        } - methods:
            reply = Wire(house).send(request(method, path, f"x-api-key: {tenant.api_key}"))
            assert reply.status == 405, (method, path, reply.raw[:300])
            assert b"x-api-key" not in reply.raw and tenant.api_key.encode() not in reply.raw, "no echo"
        options = Wire(house).send(request("OPTIONS", path))
        allow = next(line for line in options.raw.split(b"\r\n") if line.lower().startswith(b"allow:"))
        assert {each.strip() for each in allow[6:].decode().split(",")} - {"HEAD", "OPTIONS"} == methods
        assert b"access-control" not in options.raw.lower(), "no other site's page may use the API"


def test_head_is_answered_as_get_without_a_body(house: House, tenant: Tenant) -> None:
    for path in ("/healthz", "/api/openapi.json", f"/pay/{tenant.invoice_id}", "/api/invoice"):
        reply = Wire(house).send(request("HEAD", path, f"x-api-key: {tenant.api_key}"))
        head, _, body = reply.raw.partition(b"\r\n\r\n")
        assert reply.status == 200 and body == b"", head
    assert Wire(house).send(request("HEAD", "/api/invoice")).status == 401


def test_a_method_cannot_be_overridden(house: House, tenant: Tenant) -> None:
    names = ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method")
    headers = [f"x-api-key: {tenant.api_key}", *(f"{name}: POST" for name in names)]
    path = f"/api/invoice/{tenant.invoice_id}/cancel?_method=POST"
    assert Wire(house).send(request("GET", path, *headers)).status == 405
