import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, event, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.append_only import AppendOnlyViolation
from cloudpay.kernel.db import Database
from cloudpay.kernel.money import MAX_BASE_UNITS
from cloudpay.ledger.audit import check
from cloudpay.ledger.models import EntryRow, JournalRow, LedgerAccountRow
from cloudpay.ledger.payments import Receipt, post_receipt, post_reversal
from cloudpay.ledger.service import balances, post
from cloudpay.ledger.types import (
    AccountKind,
    JournalConflict,
    LedgerContention,
    Line,
    Side,
    UnbalancedJournal,
)
from cloudpay.testing.clock import START

Transfer = Callable[..., list[Line]]
Book = Callable[[Database, str, list[Line]], bool]


def totals(db: Database, merchant: str = "mer_1", *, livemode: bool = True) -> dict[str, tuple[int, int]]:
    with db.read() as session:
        found = balances(session, merchant, livemode).values()
    return {each.account.kind.value: (each.debits, each.credits) for each in found}


def count(db: Database, model: type) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_booking_moves_both_accounts(gateway: Gateway, receipt: Transfer, book: Book) -> None:
    assert book(gateway.db, "a", receipt(5))
    assert book(gateway.db, "b", receipt(7))
    assert totals(gateway.db) == {"deposits": (12, 0), "receipts": (0, 12)}
    assert check(gateway) == []


def test_the_same_reference_is_booked_once(gateway: Gateway, receipt: Transfer, book: Book) -> None:
    assert book(gateway.db, "a", receipt(5)) is True
    assert book(gateway.db, "a", receipt(5)) is False
    assert totals(gateway.db) == {"deposits": (5, 0), "receipts": (0, 5)}
    assert count(gateway.db, EntryRow) == 2


def test_a_reference_that_comes_with_other_lines_is_refused(
    gateway: Gateway, receipt: Transfer, book: Book
) -> None:
    book(gateway.db, "a", receipt(5))
    with pytest.raises(JournalConflict, match="'a'"):
        book(gateway.db, "a", receipt(6))
    assert totals(gateway.db) == {"deposits": (5, 0), "receipts": (0, 5)}


def test_the_greatest_token_amount_is_booked_exactly(gateway: Gateway, receipt: Transfer, book: Book) -> None:
    book(gateway.db, "F18", receipt(2**256 - 1))
    assert totals(gateway.db)["deposits"] == (2**256 - 1, 0)


def test_a_total_goes_beyond_the_greatest_amount(gateway: Gateway, receipt: Transfer, book: Book) -> None:
    """One merchant's token of a silly supply must not end the crediting of a whole network."""
    for reference in "abc":
        book(gateway.db, reference, receipt(MAX_BASE_UNITS))
    with gateway.db.read() as session:
        found = balances(session, "mer_1", livemode=True)
    assert {(each.debits, each.credits) for each in found.values()} == {
        (3 * MAX_BASE_UNITS, 0),
        (0, 3 * MAX_BASE_UNITS),
    }
    assert check(gateway) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lines: [], "has no lines"),
        (lambda lines: lines[:1], "differ by 5 base units"),
        (lambda lines: [lines[0], replace(lines[1], amount=4)], "differ by 1 base units"),
        (lambda lines: [replace(line, amount=0) for line in lines], "not positive"),
        (lambda lines: [replace(line, amount=-5) for line in lines], "not positive"),
        (
            lambda lines: [lines[0], replace(lines[1], account=replace(lines[1].account, asset="other"))],
            "of the native coin on evm differ",
        ),
        (
            lambda lines: [lines[0], replace(lines[1], account=replace(lines[1].account, livemode=False))],
            "differ by 5",
        ),
        (
            lambda lines: [lines[0], replace(lines[1], account=replace(lines[1].account, network="bsc"))],
            "differ by 5",
        ),
    ],
)
def test_lines_that_do_not_add_up_per_asset_are_refused(
    gateway: Gateway,
    receipt: Transfer,
    book: Book,
    change: Callable[[list[Line]], list[Line]],
    reason: str,
) -> None:
    with pytest.raises(UnbalancedJournal, match=reason):
        book(gateway.db, "a", change(receipt(5)))
    assert count(gateway.db, JournalRow) == count(gateway.db, LedgerAccountRow) == 0


def test_merchants_assets_and_modes_have_accounts_of_their_own(
    gateway: Gateway, receipt: Transfer, book: Book
) -> None:
    book(gateway.db, "a", receipt(1))
    book(gateway.db, "b", receipt(2, merchant="mer_2"))
    book(gateway.db, "c", receipt(3, livemode=False))
    assert totals(gateway.db) == {"deposits": (1, 0), "receipts": (0, 1)}
    assert totals(gateway.db, "mer_2") == {"deposits": (2, 0), "receipts": (0, 2)}
    assert totals(gateway.db, livemode=False) == {"deposits": (3, 0), "receipts": (0, 3)}


def test_a_booking_disappears_with_its_transaction(gateway: Gateway, receipt: Transfer, book: Book) -> None:
    def work(session: Session) -> None:
        post(session, "test", "a", receipt(5), START)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        gateway.db.run(work)
    assert count(gateway.db, JournalRow) == 0
    assert book(gateway.db, "a", receipt(5)) is True


def test_a_final_payment_and_its_reversal_cancel_out(gateway: Gateway) -> None:
    paid = Receipt("pay_1", 1, "mer_1", True, "evm", "0xToken", 50)
    assert gateway.db.run(lambda session: post_receipt(session, paid, START)) is True
    assert gateway.db.run(lambda session: post_receipt(session, paid, START)) is False
    assert totals(gateway.db) == {"deposits": (50, 0), "receipts": (0, 50)}
    assert gateway.db.run(lambda session: post_reversal(session, paid, START)) is True
    assert gateway.db.run(lambda session: post_reversal(session, paid, START)) is False
    assert totals(gateway.db) == {"deposits": (50, 50), "receipts": (50, 50)}
    again = replace(paid, count=2)
    assert gateway.db.run(lambda session: post_receipt(session, again, START)) is True
    assert totals(gateway.db) == {"deposits": (100, 50), "receipts": (50, 100)}
    assert check(gateway) == []


def test_threads_that_book_at_the_same_time_lose_nothing(
    gateway: Gateway, receipt: Transfer, book: Book
) -> None:
    barrier, booked, failed = threading.Barrier(6, timeout=20), [], []

    def work(number: int) -> None:
        barrier.wait()
        try:
            # Every reference is tried by two threads.
            mine = [book(gateway.db, f"{number // 2}-{turn}", receipt(turn + 1)) for turn in range(8)]
            booked.extend(mine)
        except Exception as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert booked.count(True) == booked.count(False) == 24
    assert totals(gateway.db) == {"deposits": (108, 0), "receipts": (0, 108)}
    assert check(gateway) == []


def test_two_bookings_with_their_lines_in_opposite_order_do_not_wait_for_each_other(
    gateway: Gateway, receipt: Transfer, book: Book
) -> None:
    barrier, deadlocks = threading.Barrier(2, timeout=20), []
    event.listen(
        gateway.db.engine, "handle_error", lambda context: deadlocks.append(context.original_exception)
    )

    def work(number: int) -> None:
        barrier.wait()
        for turn in range(15):
            both = receipt(1) + receipt(1, merchant="mer_2")
            book(gateway.db, f"{number}-{turn}", both[::-1] if number else both)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not deadlocks
    assert totals(gateway.db) == totals(gateway.db, "mer_2") == {"deposits": (30, 0), "receipts": (0, 30)}


def test_an_account_that_changed_behind_its_lock_is_not_overwritten(
    gateway: Gateway, receipt: Transfer, book: Book
) -> None:
    book(gateway.db, "a", receipt(5))

    def meddle(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE ledger_accounts") and not meddled:
            meddled.append(statement)
            raw = session.connection().exec_driver_sql
            raw("UPDATE ledger_accounts SET version = version + 1")

    meddled: list[str] = []
    event.listen(gateway.db.engine, "before_cursor_execute", meddle)
    with pytest.raises(LedgerContention), gateway.db.transaction() as session:
        post(session, "test", "b", receipt(5), START)
    assert totals(gateway.db) == {"deposits": (5, 0), "receipts": (0, 5)}


@pytest.mark.parametrize("model", [JournalRow, EntryRow])
def test_what_is_booked_is_never_changed_or_deleted(
    gateway: Gateway, receipt: Transfer, book: Book, model: type[JournalRow] | type[EntryRow]
) -> None:
    book(gateway.db, "a", receipt(5))
    column = "kind" if model is JournalRow else "side"
    for statement in (update(model).values({column: "x"}), delete(model)):
        with pytest.raises(DBAPIError, match="append-only"), gateway.db.transaction() as session:
            session.execute(statement)

    def update_row(session: Session) -> None:
        setattr(session.scalars(select(model).limit(1)).one(), column, "x")

    def delete_row(session: Session) -> None:
        session.delete(session.scalars(select(model).limit(1)).one())

    for change in (update_row, delete_row):
        with pytest.raises(AppendOnlyViolation):
            gateway.db.run(change)
    assert totals(gateway.db) == {"deposits": (5, 0), "receipts": (0, 5)}


def test_a_total_that_was_changed_by_hand_is_found(gateway: Gateway, receipt: Transfer, book: Book) -> None:
    book(gateway.db, "a", receipt(5))
    changed = update(LedgerAccountRow).where(LedgerAccountRow.kind == AccountKind.DEPOSITS.value)
    gateway.db.run(lambda session: session.execute(changed.values(debits=6)))
    found = check(gateway)
    assert [(each.expected, each.found) for each in found] == [(5, 6), (6, 5)]
    assert found[0].where == "debits of deposits of mer_1 in the native coin on evm (live)"
    assert found[1].where == "debits and credits in the native coin on evm (live)"


def test_an_entry_that_was_added_by_hand_is_found(gateway: Gateway, receipt: Transfer, book: Book) -> None:
    book(gateway.db, "a", receipt(5))

    def meddle(session: Session) -> None:
        journal = session.scalars(select(JournalRow)).one()
        account = session.scalars(select(LedgerAccountRow).limit(1)).one()
        row = {
            "journal_id": journal.id,
            "line": 9,
            "account_id": account.id,
            "side": Side.DEBIT.value,
            "amount": 3,
        }
        session.execute(insert(EntryRow), [row])

    gateway.db.run(meddle)
    assert "booking a in the native coin on evm (live)" in {each.where for each in check(gateway)}


def test_a_journal_without_lines_is_found(gateway: Gateway) -> None:
    empty = {"id": "jou_1", "kind": "test", "reference": "cut off", "created_at": START}
    gateway.db.run(lambda session: session.execute(insert(JournalRow), [empty]))
    assert [each.where for each in check(gateway)] == ["lines of booking cut off"]
