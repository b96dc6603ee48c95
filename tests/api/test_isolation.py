"""F81: another merchant's things are as things that do not exist, byte for byte, on every route there is."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, update

from cloudpay.app import create_app
from cloudpay.invoices.models import InvoiceRow
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.webhooks.models import Delivery
from tests.api.house import Answer, House, Tenant
from tests.api.routes import Route, ids_of, ids_of_nobody, lists, routes

SAME = {"X-Request-Id": "the-same"}
_VARYING = {"date"}


@pytest.fixture(scope="module")
def tenants(house: House) -> Mapping[str, Tenant]:
    """One who asks, another of the same mode, and one whose money is real."""
    return {
        "asks": house.tenant("Asks"),
        "other": house.tenant("Other"),
        "live": house.tenant("Live", live=True),
    }


def _ask(house: House, route: Route, ids: Mapping[str, str], tenant: Tenant, **headers: str) -> Answer:
    body = b"{}" if route.method != "GET" else None
    return house.send(route.method, route.path.format(**ids), {**tenant.headers, **SAME, **headers}, body)


def _without_ids(answer: Answer, ids: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    body = answer.body
    for name, each in ids.items():
        body = body.replace(each.encode(), name.encode())
    headers = {name: value for name, value in answer.headers.items() if name not in _VARYING}
    return answer.status, headers, body


@pytest.mark.parametrize(("asking", "owner"), [("asks", "other"), ("asks", "live"), ("live", "asks")])
def test_f81_every_route_answers_for_anothers_id_as_for_one_that_does_not_exist(
    house: House, tenants: Mapping[str, Tenant], asking: str, owner: str
) -> None:
    me, theirs, nobodys = tenants[asking], ids_of(tenants[owner]), ids_of_nobody()
    taking = [route for route in routes(house) if route.takes_id]
    assert {route.endpoint for route in taking} >= {
        "invoices.cancel_invoice",
        "webhooks.redeliver",
        "payouts.confirm_batch",
    }
    for route in taking:
        for headers in ({}, {"Idempotency-Key": "taken-by-nobody"}):
            there = _without_ids(_ask(house, route, theirs, me, **headers), theirs)
            absent = _without_ids(_ask(house, route, nobodys, me, **headers), nobodys)
            assert there == absent, route
            assert there[0] == 404, route
        assert _ask(house, route, ids_of(me), me).status != 404, "the test asks for things that are there"
        assert _ask(house, route, theirs, tenants[owner]).status != 404, "and so does the other one"


def test_f81_the_database_is_asked_the_same_for_anothers_id_as_for_one_that_does_not_exist(
    house: House, tenants: Mapping[str, Tenant]
) -> None:
    """An answer that took more statements would take longer: the ids must not differ by what is done for them."""
    client = create_app(gateway=house.gateway).test_client()
    me = tenants["asks"]
    for route in routes(house):
        if not route.takes_id:
            continue
        asked = []
        for ids in (ids_of(tenants["other"]), ids_of_nobody()):
            with _statements(house) as statements:
                data = b"{}" if route.method != "GET" else None
                got = client.open(
                    route.path.format(**ids), method=route.method, headers=me.headers, data=data
                )
            assert got.status_code == 404
            asked.append(statements)
        assert asked[0] == asked[1], route
        assert len(asked[0]) > 1, "the key, and the thing"


@contextmanager
def _statements(house: House) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(
            ("PRAGMA", "BEGIN")
        ):  # how a connection was used before, not what is asked
            seen.append(statement)

    engines = (house.gateway.db.engine, house.gateway.db.questions)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def test_f81_a_list_filtered_by_anothers_id_is_as_empty_as_by_one_that_does_not_exist(
    house: House, tenants: Mapping[str, Tenant]
) -> None:
    me, theirs, nobodys = tenants["asks"], ids_of(tenants["other"]), ids_of_nobody()
    assert len(lists(house)) >= 2
    for route in lists(house):
        mine = house.send("GET", route.path, me.headers).json["items"]
        assert mine and all(each["id"] in ids_of(me).values() for each in mine), route
        for name in ("invoice_id", "anchor"):
            there, absent = (
                house.send("GET", f"{route.path}?{name}={ids['invoice_id']}", {**me.headers, **SAME})
                for ids in (theirs, nobodys)
            )
            assert there.status == absent.status, route
            if name == "invoice_id" or there.status != 200:
                assert _without_ids(there, theirs) == _without_ids(absent, nobodys), route
            else:  # an anchor only says how far back to look
                assert {each["id"] for each in there.json["items"]} <= set(ids_of(me).values()), route


def test_f81_an_idempotency_key_of_another_merchant_is_free(
    house: House, tenants: Mapping[str, Tenant]
) -> None:
    body = {"amount": "3", "currency": "ETH", "customer_name": "A", "notification_emails": ""}
    headers = {"Idempotency-Key": "order-1"}
    first = house.send(
        "POST", "/api/invoice", {**tenants["other"].headers, **headers}, json.dumps(body).encode()
    )
    same = house.send(
        "POST", "/api/invoice", {**tenants["asks"].headers, **headers}, json.dumps(body).encode()
    )
    assert (first.status, same.status) == (201, 201)
    assert first.json["id"] != same.json["id"] and "idempotent-replayed" not in same.headers
    third = house.tenant("Third")
    other = json.dumps({**body, "amount": "4"}).encode()
    assert house.send("POST", "/api/invoice", {**third.headers, **headers}, other).status == 201
    theirs = ids_of(tenants["other"])
    for route in (each for each in routes(house) if each.method == "POST" and each.takes_id):
        key = {"Idempotency-Key": f"{route.endpoint}-1"}
        done = _ask(house, route, theirs, tenants["other"], **key)
        assert _ask(house, route, theirs, tenants["asks"], **key).status == 404, (route, done)
        again = _ask(house, route, theirs, tenants["other"], **key)
        assert done.status != 404 and again.status in (done.status, 409), (route, again)


def test_f81_a_row_of_the_other_mode_is_not_there_even_for_its_own_merchant(house: House) -> None:
    """A key is of one mode, and so is all that it can see."""
    tenant = house.tenant("Both")
    with house.gateway.db.transaction() as session:
        session.execute(update(InvoiceRow).where(InvoiceRow.id == tenant.invoice_id).values(livemode=True))
        session.execute(update(Delivery).where(Delivery.id == tenant.delivery_id).values(livemode=True))
        session.execute(update(PayoutRow).where(PayoutRow.id == tenant.payout_id).values(livemode=True))
        session.execute(update(BatchRow).where(BatchRow.id == tenant.batch_id).values(livemode=True))
    for route in routes(house):
        if route.takes_id:
            assert _ask(house, route, ids_of(tenant), tenant).status == 404, route
        elif route in lists(house):
            assert house.send("GET", route.path, tenant.headers).json["items"] == [], route


def test_f81_the_payers_page_is_public_and_tells_nothing_of_the_customer(
    house: House, tenants: Mapping[str, Tenant]
) -> None:
    """Public by design: whoever has the link may pay. Its id cannot be guessed, and it shows what to pay alone."""
    fields = {"callback_url": "https://shop.example/hook?order=17"}
    invoice_id = house.invoice(tenants["other"], **fields)
    for path in (f"/pay/{invoice_id}", f"/pay/{invoice_id}/qr.png", f"/pay/{invoice_id}/qr.svg"):
        answer = house.send("GET", path)
        assert answer.status == 200
        for secret in ("John Doe", "john@example.com", "shop.example", tenants["other"].merchant_id):
            assert secret.encode() not in answer.body, (path, secret)
    for path in (f"/pay/{ids_of_nobody()['invoice_id']}", f"/pay/{invoice_id}/qr.gif"):
        assert house.send("GET", path).status == 404
