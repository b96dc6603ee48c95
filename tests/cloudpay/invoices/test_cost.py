"""What the hot paths ask of the database: counts, which no load changes."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask.testing import FlaskClient
from sqlalchemy import event

from cloudpay.chains.gateway import Gateway
from tests.cloudpay.shop import Shop

BODY = {
    "amount": "10",
    "currency": "USDT",
    "network": "evm",
    "customer_name": "John Doe",
    "notification_emails": "",
}


@contextmanager
def counted(gateway: Gateway) -> Iterator[list[str]]:
    """The statements of a block, without BEGIN and COMMIT."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    engines = (gateway.db.engine, gateway.db.questions)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def test_a_creation_asks_for_the_key_and_the_network_and_inserts(
    gateway: Gateway, shop: Shop, client: FlaskClient, headers: dict[str, str]
) -> None:
    client.post("/api/invoice", headers=headers, json=BODY)  # reserves addresses, and notes the key's use
    with counted(gateway) as statements:
        assert client.post("/api/invoice", headers=headers, json=BODY).status_code == 201
    inserts = 3 if gateway.db.engine.dialect.name == "sqlite" else 1
    assert len(statements) == 2 + inserts, statements


def test_a_read_asks_for_the_key_and_the_invoice_and_for_payments_where_there_are_any(
    gateway: Gateway, shop: Shop, client: FlaskClient, headers: dict[str, str]
) -> None:
    made = client.post("/api/invoice", headers=headers, json=BODY).get_json()["id"]
    with counted(gateway) as statements:
        assert client.get(f"/api/invoice/{made}", headers=headers).status_code == 200
    assert len(statements) == 2, statements
    paid = shop.ask()
    shop.pay(paid)
    shop.mine(5)
    with counted(gateway) as statements:
        answer = client.get(f"/api/invoice/{paid.id}", headers=headers)
    assert answer.get_json()["status"] == "paid"
    assert len(statements) == 3, statements
