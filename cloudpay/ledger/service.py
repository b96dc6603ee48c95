"""Book money by double entry: every booking balances per asset, and the same fact is booked once."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.orm import Session

from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.db import table_of
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.upsert import insert_if_absent, upsert
from cloudpay.ledger.models import EntryRow, JournalRow, LedgerAccountRow
from cloudpay.ledger.types import (
    AccountKey,
    AccountKind,
    Balance,
    Booking,
    InsufficientFunds,
    JournalConflict,
    LedgerContention,
    Line,
    Shortage,
    Side,
    UnbalancedJournal,
)

_UNIQUE = ("merchant_id", "livemode", "network", "asset", "kind")
_AT_ONCE = 500


def post(session: Session, kind: str, reference: str, lines: Sequence[Line], now: datetime) -> bool:
    """Book these lines in the caller's transaction; False when this reference was booked before.

    Raises `UnbalancedJournal`, and `JournalConflict` when the reference was booked with other lines.
    """
    return bool(post_many(session, [Booking(kind, reference, tuple(lines))], now))


def post_many(
    session: Session, bookings: Sequence[Booking], now: datetime, covered: Collection[AccountKind] = ()
) -> frozenset[str]:
    """Book all of these as `post` does, with each account written once; answer the references that were new.

    Raises `InsufficientFunds` when an account of a `covered` kind would be left with less than nothing.
    """
    for booking in bookings:
        _require_balance(booking.reference, booking.lines)
    journals = _new_journals(session, bookings, now)
    _require_same(session, [each for each in bookings if each.reference not in journals])
    fresh = [each for each in bookings if each.reference in journals]
    if fresh:
        accounts = _lock_accounts(session, {line.account for each in fresh for line in each.lines})
        totals = _totals(fresh)
        _require_cover(accounts, totals, covered)
        for key in sorted(accounts):
            _add(session, accounts[key], totals[key])
        session.connection().execute(insert(table_of(EntryRow)), _entries(fresh, journals, accounts))
    return frozenset(journals)


def _new_journals(session: Session, bookings: Sequence[Booking], now: datetime) -> Mapping[str, str]:
    """Make the journals of references that are new; answer their ids by reference."""
    rows = [
        {"id": new_id("jou_"), "kind": each.kind, "reference": each.reference, "created_at": now}
        for each in bookings
    ]
    if not rows:
        return {}
    table = table_of(JournalRow)
    statement = upsert(session, JournalRow).on_conflict_do_nothing(index_elements=["reference"])
    made = session.connection().execute(statement.returning(table.c.reference, table.c.id), rows)
    return {row.reference: row.id for row in made}


def _totals(bookings: Sequence[Booking]) -> Mapping[AccountKey, Mapping[Side, int]]:
    totals: dict[AccountKey, dict[Side, int]] = defaultdict(lambda: {Side.DEBIT: 0, Side.CREDIT: 0})
    for booking in bookings:
        for line in booking.lines:
            totals[line.account][line.side] += line.amount
    return totals


def _entries(
    bookings: Sequence[Booking],
    journals: Mapping[str, str],
    accounts: Mapping[AccountKey, LedgerAccountRow],
) -> list[dict[str, object]]:
    return [
        {
            "journal_id": journals[booking.reference],
            "line": number,
            "account_id": accounts[line.account].id,
            "side": line.side.value,
            "amount": line.amount,
        }
        for booking in bookings
        for number, line in enumerate(booking.lines)
    ]


def _require_cover(
    accounts: Mapping[AccountKey, LedgerAccountRow],
    totals: Mapping[AccountKey, Mapping[Side, int]],
    covered: Collection[AccountKind],
) -> None:
    """The accounts are locked, so what they hold now is what they will hold at the commit."""
    shortages = []
    for key in sorted(each for each in totals if each.kind in covered):
        available = accounts[key].debits - accounts[key].credits
        needed = totals[key][Side.CREDIT] - totals[key][Side.DEBIT]
        if needed > max(available, 0):
            shortages.append(Shortage(key, needed, available))
    if shortages:
        raise InsufficientFunds(shortages)


def balances(session: Session, merchant_id: str, livemode: bool) -> Mapping[AccountKey, Balance]:
    """Answer the running totals of every account of a merchant."""
    rows = session.scalars(
        select(LedgerAccountRow).where(
            LedgerAccountRow.merchant_id == merchant_id, LedgerAccountRow.livemode == livemode
        )
    )
    found = (Balance(account_key(row), row.debits, row.credits) for row in rows)
    return {balance.account: balance for balance in found}


def account_key(row: LedgerAccountRow) -> AccountKey:
    """Answer which account a row is."""
    return AccountKey(row.merchant_id, row.livemode, row.network, row.asset, AccountKind(row.kind))


def _require_balance(reference: str, lines: Sequence[Line]) -> None:
    if not lines:
        raise UnbalancedJournal(reference, "it has no lines")
    sums: dict[tuple[str, str, bool], int] = defaultdict(int)
    for line in lines:
        if line.amount <= 0:
            raise UnbalancedJournal(reference, f"a line of {line.amount} base units is not positive")
        asset = (line.account.network, line.account.asset, line.account.livemode)
        sums[asset] += line.amount if line.side is Side.DEBIT else -line.amount
    for (network, asset_key, _), difference in sums.items():
        if difference:
            name = asset_key or "the native coin"
            raise UnbalancedJournal(
                reference, f"debits and credits of {name} on {network} differ by {abs(difference)} base units"
            )


def _require_same(session: Session, bookings: Sequence[Booking]) -> None:
    """The same reference must mean the same money: anything else is a defect that must not pass unseen."""
    for start in range(0, len(bookings), _AT_ONCE):
        some = bookings[start : start + _AT_ONCE]
        booked: dict[str, list[Line]] = {each.reference: [] for each in some}
        rows = session.execute(
            select(JournalRow.reference, EntryRow.side, EntryRow.amount, LedgerAccountRow)
            .join(EntryRow, EntryRow.journal_id == JournalRow.id)
            .join(LedgerAccountRow, LedgerAccountRow.id == EntryRow.account_id)
            .where(JournalRow.reference.in_(booked))
            .order_by(JournalRow.reference, EntryRow.line)
        )
        for reference, side, amount, account in rows:
            booked[reference].append(Line(account_key(account), Side(side), amount))
        for each in some:
            if booked[each.reference] != list(each.lines):
                raise JournalConflict(each.reference)


def _lock_accounts(session: Session, keys: set[AccountKey]) -> dict[AccountKey, LedgerAccountRow]:
    """Lock the accounts in one order, so that two bookings cannot wait for each other; makes the missing ones."""
    accounts = _select_for_update(session, keys)
    missing = sorted(keys - accounts.keys())
    if missing:
        for key in missing:
            values = dict(zip(_UNIQUE, _values(key), strict=True), debits=0, credits=0, version=0)
            insert_if_absent(session, LedgerAccountRow, {"id": new_id("acc_"), **values}, *_UNIQUE)
        accounts = _select_for_update(session, keys)
    return accounts


def _select_for_update(session: Session, keys: set[AccountKey]) -> dict[AccountKey, LedgerAccountRow]:
    columns = [getattr(LedgerAccountRow, name) for name in _UNIQUE]
    rows = session.scalars(
        select(LedgerAccountRow)
        .where(tuple_(*columns).in_([_values(key) for key in sorted(keys)]))
        .order_by(*columns)
        .with_for_update()  # SQLite has no such clause; there the transaction holds the only write lock
        .execution_options(populate_existing=True)
    )
    return {account_key(row): row for row in rows}


def _values(key: AccountKey) -> tuple[str, bool, str, str, str]:
    return key.merchant_id, key.livemode, key.network, key.asset, key.kind.value


def _add(session: Session, account: LedgerAccountRow, added: Mapping[Side, int]) -> None:
    statement = (
        update(LedgerAccountRow)
        .where(LedgerAccountRow.id == account.id, LedgerAccountRow.version == account.version)
        .values(
            debits=account.debits + added[Side.DEBIT],
            credits=account.credits + added[Side.CREDIT],
            version=account.version + 1,
        )
    )
    if changed_rows(session, statement) != 1:
        raise LedgerContention(account.id)
