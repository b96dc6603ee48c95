from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.db import Database
from cloudpay.ledger.audit import check
from cloudpay.ledger.models import EntryRow, JournalRow, LedgerAccountRow
from cloudpay.ledger.service import balances, post
from cloudpay.ledger.types import AccountKey, AccountKind, Line, Side, UnbalancedJournal
from cloudpay.testing.clock import START

AMOUNTS = st.integers(1, 2**256 - 1) | st.integers(1, 3)
ACCOUNTS = st.builds(
    AccountKey,
    st.sampled_from(["mer_1", "mer_2"]),
    st.booleans(),
    st.sampled_from(["evm", "bsc"]),
    st.sampled_from(["", "0xA"]),
    st.sampled_from(AccountKind),
)
LINES = st.lists(st.builds(Line, ACCOUNTS, st.sampled_from(Side), AMOUNTS), min_size=1, max_size=5)


@st.composite
def bookings(draw: st.DrawFn) -> list[Line]:
    """Lines that balance: each one with its counterpart in the same asset."""
    lines = draw(LINES)
    mirrored = [Line(line.account, line.side.other, line.amount) for line in lines]
    return lines + mirrored


@contextmanager
def emptied(db: Database) -> Iterator[None]:
    """Leave an empty ledger behind; the triggers are put aside for it, as only a database's owner can."""
    yield
    with db.transaction() as session:
        if db.engine.dialect.name == "sqlite":
            triggers = session.execute(
                text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            aside, back = [f"DROP TRIGGER {name}" for name, _ in triggers], [sql for _, sql in triggers]
        else:
            aside, back = ["SET LOCAL session_replication_role = replica"], []
        for statement in aside:
            session.execute(text(statement))
        for model in (EntryRow, JournalRow, LedgerAccountRow):
            session.execute(delete(model))
        for statement in back:
            session.execute(text(statement))


SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SLOW
@given(st.lists(st.tuples(st.integers(0, 5), bookings()), max_size=8))
def test_totals_are_the_sum_of_what_was_booked_once(
    gateway: Gateway, attempts: list[tuple[int, list[Line]]]
) -> None:
    with emptied(gateway.db):
        seen: dict[int, list[Line]] = {}
        for number, lines in attempts:
            first = seen.setdefault(number, lines)
            with gateway.db.transaction() as session:
                assert post(session, "test", str(number), first, START) is (first is lines)
        expected: dict[AccountKey, list[int]] = defaultdict(lambda: [0, 0])
        for lines in seen.values():
            for line in lines:
                expected[line.account][line.side is Side.CREDIT] += line.amount
        with gateway.db.read() as session:
            found = {
                key: [each.debits, each.credits]
                for merchant in ("mer_1", "mer_2")
                for livemode in (True, False)
                for key, each in balances(session, merchant, livemode).items()
            }
        assert found == expected
        assert check(gateway) == []


@SLOW
@given(LINES)
def test_lines_are_booked_exactly_when_they_balance(gateway: Gateway, lines: list[Line]) -> None:
    with emptied(gateway.db):
        sums: dict[tuple[str, str, bool], int] = defaultdict(int)
        for line in lines:
            asset = (line.account.network, line.account.asset, line.account.livemode)
            sums[asset] += line.amount if line.side is Side.DEBIT else -line.amount
        try:
            gateway.db.run(lambda session: post(session, "test", "a", lines, START))
        except UnbalancedJournal:
            assert any(sums.values())
        else:
            assert not any(sums.values())
        assert check(gateway) == []
