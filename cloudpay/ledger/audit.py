"""Hold the ledger against itself: running totals against entries, debits against credits."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.models import EntryRow, JournalRow, LedgerAccountRow
from cloudpay.ledger.types import Imbalance, Side

_ROWS_AT_ONCE = 1000


def check(gateway: Gateway) -> list[Imbalance]:
    """Recompute everything from the entries and answer what does not add up; an empty list is a sound ledger."""
    with gateway.db.read() as session:
        return [*_accounts(session), *_journals(session)]


def _accounts(session: Session) -> Iterator[Imbalance]:
    """One statement reads totals and entries together, so that a booking under way cannot look like a fault."""
    joined = (
        select(LedgerAccountRow, EntryRow.side, EntryRow.amount)
        .outerjoin(EntryRow, EntryRow.account_id == LedgerAccountRow.id)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    stored: dict[str, tuple[int, int]] = {}
    entered: dict[str, dict[str, int]] = defaultdict(lambda: {Side.DEBIT.value: 0, Side.CREDIT.value: 0})
    names: dict[str, str] = {}
    assets: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for account, side, amount in session.execute(joined):
        if account.id not in stored:
            stored[account.id] = (account.debits, account.credits)
            names[account.id] = f"{account.kind} of {account.merchant_id} in {_asset(account)}"
            totals = assets[_asset(account)]
            totals[0] += account.debits
            totals[1] += account.credits
        if side:
            entered[account.id][side] += amount
    for account_id, (debits, credits_) in stored.items():
        for side, total in ((Side.DEBIT, debits), (Side.CREDIT, credits_)):
            if entered[account_id][side.value] != total:
                where = f"{side.value}s of {names[account_id]}"
                yield Imbalance(where, expected=entered[account_id][side.value], found=total)
    for asset, (debits, credits_) in assets.items():
        if debits != credits_:
            yield Imbalance(f"debits and credits in {asset}", expected=debits, found=credits_)


def _journals(session: Session) -> Iterator[Imbalance]:
    """Every journal balances by itself; one without entries was cut off."""
    joined = (
        select(JournalRow.reference, LedgerAccountRow, EntryRow.side, EntryRow.amount)
        .outerjoin(EntryRow, EntryRow.journal_id == JournalRow.id)
        .outerjoin(LedgerAccountRow, LedgerAccountRow.id == EntryRow.account_id)
        .order_by(JournalRow.reference)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    current, sums = "", dict[str, list[int]]()
    for reference, account, side, amount in session.execute(joined):
        if reference != current:
            yield from _uneven(current, sums)
            current, sums = reference, {}
        if side:
            totals = sums.setdefault(_asset(account), [0, 0])
            totals[0 if side == Side.DEBIT.value else 1] += amount
        else:  # an outer join's empty right half
            yield Imbalance(f"lines of booking {reference}", expected=2, found=0)
    yield from _uneven(current, sums)


def _uneven(reference: str, sums: dict[str, list[int]]) -> Iterator[Imbalance]:
    for asset, (debits, credits_) in sums.items():
        if debits != credits_:
            yield Imbalance(f"booking {reference} in {asset}", expected=debits, found=credits_)


def _asset(account: LedgerAccountRow) -> str:
    mode = "live" if account.livemode else "test"
    return f"{account.asset or 'the native coin'} on {account.network} ({mode})"
