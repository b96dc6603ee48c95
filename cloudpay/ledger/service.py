"""Book money by double entry: every booking balances per asset, and the same fact is booked once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.orm import Session

from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.upsert import insert_if_absent
from cloudpay.ledger.models import EntryRow, JournalRow, LedgerAccountRow
from cloudpay.ledger.types import (
    AccountKey,
    AccountKind,
    Balance,
    JournalConflict,
    LedgerContention,
    Line,
    Side,
    UnbalancedJournal,
)

_UNIQUE = ("merchant_id", "livemode", "network", "asset", "kind")


def post(session: Session, kind: str, reference: str, lines: Sequence[Line], now: datetime) -> bool:
    """Book these lines in the caller's transaction; False when this reference was booked before.

    Raises `UnbalancedJournal`, and `JournalConflict` when the reference was booked with other lines.
    """
    _require_balance(reference, lines)
    journal = {"id": new_id("jou_"), "kind": kind, "reference": reference, "created_at": now}
    if not insert_if_absent(session, JournalRow, journal, "reference"):
        _require_same(session, reference, lines)
        return False
    accounts = _lock_accounts(session, {line.account for line in lines})
    for key in sorted(accounts):
        _add(session, accounts[key], [line for line in lines if line.account == key])
    entries = [
        {
            "journal_id": journal["id"],
            "line": number,
            "account_id": accounts[line.account].id,
            "side": line.side.value,
            "amount": line.amount,
        }
        for number, line in enumerate(lines)
    ]
    session.execute(insert(EntryRow), entries)
    return True


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


def _require_same(session: Session, reference: str, lines: Sequence[Line]) -> None:
    """The same reference must mean the same money: anything else is a defect that must not pass unseen."""
    booked = session.execute(
        select(EntryRow, LedgerAccountRow)
        .join(JournalRow, JournalRow.id == EntryRow.journal_id)
        .join(LedgerAccountRow, LedgerAccountRow.id == EntryRow.account_id)
        .where(JournalRow.reference == reference)
        .order_by(EntryRow.line)
    )
    if [Line(account_key(account), Side(row.side), row.amount) for row, account in booked] != list(lines):
        raise JournalConflict(reference)


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


def _add(session: Session, account: LedgerAccountRow, lines: Sequence[Line]) -> None:
    debits = account.debits + sum(line.amount for line in lines if line.side is Side.DEBIT)
    credits_ = account.credits + sum(line.amount for line in lines if line.side is Side.CREDIT)
    statement = (
        update(LedgerAccountRow)
        .where(LedgerAccountRow.id == account.id, LedgerAccountRow.version == account.version)
        .values(debits=debits, credits=credits_, version=account.version + 1)
    )
    if changed_rows(session, statement) != 1:
        raise LedgerContention(account.id)
