"""F97 and F99 over a real socket: limits by key, by address and by failures, over two server processes."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from limits import parse
from redis import Redis
from sqlalchemy import event, func, select, text

from cloudpay.app import create_app
from cloudpay.invoices.models import InvoiceRow, PaymentOptionRow
from cloudpay.kernel.db import table_of
from cloudpay.kernel.sections import Limits
from cloudpay.merchants.keys import create_key
from cloudpay.wallets.models import DepositAddressRow
from tests.api.house import ACTOR, House, Tenant
from tests.api.opening import open_house

LIMITS = {
    "per_key": "1000 per minute",
    "per_address": "2000 per minute",
    "failed_keys_per_address": "20 per minute",
}
UNPAID = 100_000


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory, server_database: str | None) -> Iterator[House]:
    """A gateway of two server processes with limits that a test can reach."""
    folder = tmp_path_factory.mktemp("l") / "d"
    with open_house(folder, server_database, workers=2, limits=LIMITS) as running:
        yield running


def _key(house: House, tenant: Tenant, limit: str) -> dict[str, str]:
    made = create_key(
        house.gateway, tenant.merchant_id, name="k", scopes=["read"], rate_limit=limit, actor=ACTOR
    )
    return {"x-api-key": made.secret}


@pytest.fixture(scope="module")
def shop(limited: House) -> Tenant:
    """Whose keys are limited."""
    return limited.tenant("Tea Shop")


def test_a_key_is_limited_over_all_processes_and_told_when_to_come_back(limited: House, shop: Tenant) -> None:
    mine, other = _key(limited, shop, "30 per minute"), _key(limited, shop, "30 per minute")
    answers = [limited.send("GET", "/api/invoice?limit=1", mine) for _ in range(60)]
    counted = Counter(answer.status for answer in answers)
    assert counted == {200: 30, 429: 30}, "each of two processes would have let 30 through by itself"
    for answer in answers:
        if answer.status == 429:
            assert 1 <= int(answer.headers["retry-after"]) <= 61
            assert answer.json["code"] == "rate_limited"
    assert limited.send("GET", "/api/invoice?limit=1", other).status == 200, "another key has its own"


def test_f97_forged_addresses_do_not_pass_the_limit_of_failures(limited: House, shop: Tenant) -> None:
    statuses: Counter[int] = Counter()
    for number in range(60):
        forged = {
            "X-Forwarded-For": f"198.51.100.{number}, 10.0.0.{number}",
            "Forwarded": f"for=198.51.100.{number}",
            "X-Real-IP": f"198.51.100.{number}",
            "x-api-key": f"sk_{number:043}",
        }
        answer = limited.send("GET", "/api/invoice", forged)
        statuses[answer.status] += 1
        if answer.status == 429:
            assert int(answer.headers["retry-after"]) >= 1
    assert statuses == {401: 20, 429: 40}
    assert limited.send("GET", "/api/invoice?limit=1", shop.headers).status == 200, "a good key still works"


def test_limits_hold_in_memory_while_redis_is_emptied(limited: House, shop: Tenant) -> None:
    """An empty Redis forgets what was counted, no more: nothing fails, and counting begins anew."""
    mine = _key(limited, shop, "10 per minute")
    Redis.from_url(limited.gateway.settings.redis_url, retry=None).flushall()
    statuses = [limited.send("GET", "/api/invoice?limit=1", mine).status for _ in range(25)]
    assert set(statuses) == {200, 429} and statuses.count(200) <= 20


def test_f99_a_hundred_thousand_unpaid_invoices_cost_a_request_no_more_statements(
    limited: House, shop: Tenant
) -> None:
    """Reads, lists, creations and cancellations ask the same of the database, whatever lies in it."""
    before = _statements(limited, shop)
    _add_unpaid(limited, shop)
    with limited.gateway.db.read() as session:
        assert (session.scalar(select(func.count()).select_from(InvoiceRow)) or 0) >= UNPAID
    assert _statements(limited, shop) == before


def test_f99_a_list_of_many_reads_no_more_rows_than_it_shows(limited: House, shop: Tenant) -> None:
    deep = limited.send("GET", "/api/invoice?limit=3&page=1000", shop.headers)
    assert deep.status == 200 and len(deep.json["items"]) == 3
    last = limited.send("GET", "/api/invoice?limit=100&page=1000000", shop.headers)
    assert last.status == 200 and last.json["items"] == []


def _statements(house: House, shop: Tenant) -> dict[str, int]:
    """How many statements each kind of request takes."""
    client = create_app(gateway=house.gateway).test_client()
    wanted = {"amount": "1", "currency": "ETH", "customer_name": "A", "notification_emails": ""}
    found: dict[str, int] = {}
    for name, method, path in (
        ("create", "POST", "/api/invoice"),
        ("read", "GET", f"/api/invoice/{shop.invoice_id}"),
        ("list", "GET", "/api/invoice?limit=20&status=expired"),
        ("deliveries", "GET", "/api/webhook/deliveries"),
    ):
        client.open(
            path, method=method, headers=shop.headers, data=json.dumps(wanted) if name == "create" else None
        )
        seen: list[str] = []

        def note(
            _connection: object, _cursor: object, statement: str, *_: object, seen: list[str] = seen
        ) -> None:
            if not statement.startswith(("PRAGMA", "BEGIN")):
                seen.append(statement)

        engines = (house.gateway.db.engine, house.gateway.db.questions)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        body = json.dumps(wanted) if name == "create" else None
        answer = client.open(path, method=method, headers=shop.headers, data=body)
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
        assert answer.status_code in (200, 201), answer.data
        found[name] = len(seen)
    return found


def _add_unpaid(house: House, shop: Tenant) -> None:
    """Put the invoices straight into the tables, as copies of a real one."""
    number = "1000000 + n.i"
    invoice, option, address = (
        f"'{prefix}' || CAST({number} AS VARCHAR)" for prefix in ("INV-0", "opt_0", "adr_0")
    )
    copies = (
        (InvoiceRow, {"id": invoice}, f"id = '{shop.invoice_id}'"),
        (DepositAddressRow, {"id": address, "invoice_id": invoice, "address": address, "index": number}, ""),
        (PaymentOptionRow, {"id": option, "invoice_id": invoice, "deposit_address_id": address}, ""),
    )
    with house.gateway.db.transaction() as session:
        for kind, changed, which in copies:
            columns = [column.name for column in table_of(kind).columns]
            names = ", ".join(f'"{name}"' for name in columns)
            values = ", ".join(changed.get(name, f'one."{name}"') for name in columns)
            found = which or f"invoice_id = '{shop.invoice_id}'"
            session.execute(
                text(
                    f"INSERT INTO {kind.__tablename__} ({names}) "
                    f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {UNPAID}) "
                    f"SELECT {values} FROM n CROSS JOIN (SELECT * FROM {kind.__tablename__} WHERE {found}) AS one"
                )
            )


def test_f99_the_limits_that_ship_bound_what_one_key_can_create_in_a_day() -> None:
    """What a key may ask in a minute bounds the invoices that can lie open at once."""
    shipped = Limits()
    for limit in (shipped.per_key, shipped.per_address, shipped.failed_keys_per_address):
        parsed = parse(limit)
        assert parsed.amount / parsed.get_expiry() <= 200, "requests a second"
