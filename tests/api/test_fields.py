"""F86 and F101 over a real socket: fields that only the gateway may set, and pages beyond all numbers."""

import json
from urllib.parse import quote

import pytest

from tests.api.house import PAYEE, House, Tenant
from tests.api.routes import NO_FIELDS, good_body, ids_of, lists, routes

PRIVILEGED = {
    "id": "INV-1",
    "invoice_id": "INV-1",
    "merchant_id": "mer_other",
    "status": "paid",
    "exception": None,
    "livemode": True,
    "paid_at": "2026-01-01T00:00:00Z",
    "tx_hash": "0x1",
    "address_in": "0x1",
    "received_amount": "1",
    "confirmed_amount": "1",
    "rate": "1",
    "sequence": 9,
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2099-01-01T00:00:00Z",
    "payments": [],
    "payment_options": [],
    "warnings": [],
    "payout_id": "po_1",
    "batch_id": "bat_1",
    "fee": "0",
    "approvals_needed": 0,
    "is_admin": True,
    "role": "owner",
    "scopes": ["payouts:write"],
    "__class__": "x",
    "__proto__": {"status": "paid"},
    "constructor": {},
    "$where": "1",
}


@pytest.fixture(scope="module")
def tenant(house: House) -> Tenant:
    """Who tries."""
    return house.tenant("Tea Shop")


def test_f86_every_post_refuses_fields_that_are_not_a_clients_to_set(house: House, tenant: Tenant) -> None:
    for route in (each for each in routes(house) if each.method == "POST" and each.endpoint not in NO_FIELDS):
        base = good_body(route)
        for name, value in PRIVILEGED.items():
            if name in base:  # a payout's `id` is its merchant's own
                continue
            body = json.dumps({**base, name: value}).encode()
            answer = house.send("POST", route.path.format(**ids_of(tenant)), tenant.headers, body)
            assert (answer.status, list(answer.json["errors"])) == (422, [name]), (route, name, answer)
    kept = house.send("GET", f"/api/invoice/{tenant.invoice_id}", tenant.headers).json
    assert (kept["status"], kept["livemode"]) == ("pending", False)


def test_f86_a_file_of_payouts_has_no_other_columns(house: House, tenant: Tenant) -> None:
    for name in PRIVILEGED.keys() - {"id"}:
        body = f"id,address,amount,{name}\nA,{PAYEE},1,1\n".encode()
        answer = house.send("POST", "/api/user/payouts/bulk/csv", tenant.headers, body)
        assert (answer.status, list(answer.json["errors"])) == (422, ["header"]), (name, answer)
        assert repr(name) in answer.json["detail"]


@pytest.mark.parametrize(
    "page", ["1000000000", "9" * 18, "9" * 5000, "-1", "0", "1e9", "٣", "1.0", "", "0x1", "1;2"]
)
def test_f101_every_list_bounds_its_page(house: House, tenant: Tenant, page: str) -> None:
    assert len(lists(house)) >= 2
    for route in lists(house):
        for name in ("page", "limit"):
            answer = house.send("GET", f"{route.path}?{name}={quote(page)}", tenant.headers)
            assert (answer.status, list(answer.json["errors"])) == (422, [name]), (route, answer)
