from collections.abc import Callable

import pytest

from cloudpay.kernel.db import Database
from cloudpay.ledger.service import post
from cloudpay.ledger.types import AccountKey, AccountKind, Line, Side
from cloudpay.testing.clock import START

Transfer = Callable[..., list[Line]]
Book = Callable[[Database, str, list[Line]], bool]


@pytest.fixture
def receipt() -> Transfer:
    """The two lines of incoming money."""

    def build(amount: int, *, merchant: str = "mer_1", asset: str = "", livemode: bool = True) -> list[Line]:
        def key(kind: AccountKind) -> AccountKey:
            return AccountKey(merchant, livemode, "evm", asset, kind)

        return [
            Line(key(AccountKind.DEPOSITS), Side.DEBIT, amount),
            Line(key(AccountKind.RECEIPTS), Side.CREDIT, amount),
        ]

    return build


@pytest.fixture
def book() -> Book:
    """Book lines in a transaction of their own."""

    def build(db: Database, reference: str, lines: list[Line]) -> bool:
        return db.run(lambda session: post(session, "test", reference, lines, START))

    return build
