"""Statements that are made ready once say and fail as all others do."""

from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, event, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.clock import time_of_day
from cloudpay.kernel.db import Database, table_of
from cloudpay.kernel.prepared import Prepared
from cloudpay.merchants.keys import NewKey
from cloudpay.merchants.models import ApiKey, Merchant, User
from cloudpay.testing.clock import START

KEYS = table_of(ApiKey)
BY_ID = select(*KEYS.c).where(KEYS.c.id == bindparam("id"), KEYS.c.created_at <= bindparam("until"))
USER = {"id": "usr_1", "livemode": False, "email": "a@example.com", "role": "owner", "created_at": START}


def asked(key: NewKey, **more: Any) -> dict[str, Any]:
    return {"id": key.view.id, "until": key.view.created_at, **more}


def test_it_reads_and_writes_every_type_as_the_statement_itself_does(gateway: Gateway, key: NewKey) -> None:
    prepared = Prepared(BY_ID)
    with gateway.db.questions.connect() as connection:
        plain = connection.execute(BY_ID, asked(key)).one()
        # PostgreSQL's driver has it prepared by the server from the sixth time on.
        rows = [row for _ in range(7) for row in prepared.all(connection, asked(key))]
    assert len(rows) == 7
    for row in rows:
        assert row._asdict() == plain._asdict()
        assert (row.livemode, row.scopes) == (False, list(key.view.scopes))
        assert row.created_at == key.view.created_at


def test_nothing_found_is_no_row(gateway: Gateway, key: NewKey) -> None:
    found = gateway.db.ask(lambda connection: Prepared(BY_ID).first(connection, asked(key, id="key_none")))
    assert found is None


def test_it_sees_what_its_own_transaction_wrote(gateway: Gateway, key: NewKey) -> None:
    rename = Prepared(insert(table_of(User)), ("merchant_id", *USER))
    emails = Prepared(select(table_of(User).c.email).where(table_of(User).c.id == bindparam("id")))

    def work(session: Session) -> Any:
        rename.run(session.connection(), USER | {"merchant_id": key.view.merchant_id})
        return emails.first(session.connection(), {"id": "usr_1"})

    assert gateway.db.run(work).email == "a@example.com"


def test_what_the_database_refuses_fails_as_it_always_does(gateway: Gateway) -> None:
    add = Prepared(insert(table_of(User)), ("merchant_id", *USER))

    def work(session: Session) -> None:
        add.run(session.connection(), USER | {"merchant_id": "mer_nobody"})
        session.flush()

    with pytest.raises(IntegrityError) as failed:
        gateway.db.run(work)
    assert not failed.value.connection_invalidated


def test_f113_a_question_is_asked_again_when_its_connection_was_cut(gateway: Gateway, key: NewKey) -> None:
    prepared, asks = Prepared(BY_ID), list[bool]()

    def question(connection: Connection) -> Any:
        driver: Any = connection.connection.dbapi_connection
        if not asks:
            driver.close()
        asks.append(True)
        return prepared.first(connection, asked(key))

    assert gateway.db.ask(question).id == key.view.id
    assert len(asks) == 2


def test_whoever_listens_to_statements_hears_of_it(gateway: Gateway, key: NewKey) -> None:
    heard: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        heard.append(statement)

    prepared = Prepared(select(table_of(Merchant).c.id, time_of_day().label("time_of_day")))
    gateway.db.ask(lambda connection: prepared.all(connection, {}))
    event.listen(gateway.db.questions, "before_cursor_execute", note)
    gateway.db.ask(lambda connection: prepared.all(connection, {}))
    event.remove(gateway.db.questions, "before_cursor_execute", note)
    assert len(heard) == 1


def test_the_same_statement_serves_both_databases(sqlite: Database, gateway: Gateway, key: NewKey) -> None:
    told = Prepared(select(time_of_day().label("time_of_day")))
    for db in (sqlite, gateway.db):
        moment = db.ask(lambda connection: told.first(connection, {}).time_of_day)  # type: ignore[union-attr]
        assert moment.tzinfo is not None
