"""Rows that are inserted past the ORM are rows all the same."""

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.inserts import NewRow, insert_rows
from cloudpay.merchants.models import Merchant, User
from cloudpay.testing.clock import START

MERCHANT: dict[str, Any] = {
    "id": "mer_1",
    "name": "Shop",
    "livemode": False,
    "account_index": 7,
    "webhook_secret": b"sealed",
    "created_at": START,
}


def rows(user: str = "usr_1", merchant: str = "mer_1") -> list[NewRow]:
    owner = {"merchant_id": merchant, "livemode": False, "created_at": START}
    return [(Merchant, MERCHANT), (User, owner | {"id": user, "email": "a@example.com", "role": "owner"})]


def test_rows_that_refer_to_one_another_are_inserted_at_once(gateway: Gateway) -> None:
    statements: list[str] = []
    event.listen(
        gateway.db.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_rest: statements.append(statement),
    )
    gateway.db.run(lambda session: insert_rows(session, rows()))
    inserts = [each for each in statements if "INSERT" in each]
    assert len(inserts) == (2 if gateway.db.engine.dialect.name == "sqlite" else 1)
    with gateway.db.read() as session:
        user, merchant = session.get_one(User, "usr_1"), session.get_one(Merchant, "mer_1")
        assert (user.email, user.created_at) == ("a@example.com", START)
        assert (merchant.account_index, merchant.webhook_secret) == (7, b"sealed")
        assert merchant.invoice_expiry_minutes is None


@pytest.mark.parametrize("refused", [rows(merchant="mer_nobody"), [*rows(), rows()[1]]])
def test_a_row_that_is_refused_takes_the_others_with_it(gateway: Gateway, refused: list[NewRow]) -> None:
    def work(session: Session) -> None:
        insert_rows(session, refused)

    with pytest.raises(IntegrityError):
        gateway.db.run(work)
    with gateway.db.read() as session:
        assert session.get(Merchant, "mer_1") is None


def test_a_single_row_is_inserted(gateway: Gateway) -> None:
    gateway.db.run(lambda session: insert_rows(session, rows()[:1]))
    with gateway.db.read() as session:
        assert session.get_one(Merchant, "mer_1").name == "Shop"
