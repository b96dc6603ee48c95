"""Rows of the engine as the seam wants them, read in plain columns, for many transactions at once."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from cloudpay.chains.spending import Draft, KeyPath, Spend
from cloudpay.kernel.db import table_of
from cloudpay.transactions.models import AttemptRow, ClaimRow, SpendRow

SPEND, ATTEMPT, CLAIM = table_of(SpendRow), table_of(AttemptRow), table_of(ClaimRow)

Rows = Mapping[str, list[Row[Any]]]


def spend_of(row: Row[Any]) -> Spend:
    """Answer a spend's row as the seam knows it."""
    return Spend(row.id, row.source, row.recipient, row.asset or None, row.amount)


def path_of(row: Row[Any]) -> KeyPath:
    """Answer the path of the key that a spend's source has."""
    return KeyPath(row.account, row.chain, row._mapping["index"])  # noqa: SLF001  # a row is a tuple, too


def spends_by_transaction(session: Session, transactions: Collection[str]) -> Rows:
    """Answer what these transactions carry."""
    found = select(*SPEND.c).where(SPEND.c.transaction_id.in_(transactions)).order_by(SPEND.c.id)
    return _by_transaction(session.execute(found))


def claims_by_transaction(session: Session, transactions: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Answer the claims that these transactions hold."""
    found = select(CLAIM.c.transaction_id, CLAIM.c.claim).where(CLAIM.c.transaction_id.in_(transactions))
    claims: defaultdict[str, set[str]] = defaultdict(set)
    for transaction_id, claim in session.execute(found):
        claims[transaction_id].add(claim)
    return {each: frozenset(claims[each]) for each in transactions}


def attempts_by_transaction(session: Session, transactions: Collection[str]) -> Rows:
    """Answer every attempt of these transactions, without its bytes, the newest last."""
    light = [column for column in ATTEMPT.c if column.name not in ("raw", "unsigned")]
    found = select(*light).where(ATTEMPT.c.transaction_id.in_(transactions)).order_by(ATTEMPT.c.number)
    return _by_transaction(session.execute(found))


def write_signers(signers: Iterable[KeyPath]) -> str:
    """Write key paths for a column."""
    return json.dumps([[each.account, each.chain, each.index] for each in signers])


def read_draft(
    spends: Iterable[Row[Any]],
    claims: frozenset[str],
    transaction: Row[Any],
    unsigned: bytes,
) -> Draft:
    """Answer the draft that a stored attempt was signed from: what a replacement outbids."""
    signers = tuple(KeyPath(*each) for each in json.loads(transaction.signers))
    carried = tuple(spend_of(each) for each in spends)
    return Draft(carried, claims, (), transaction.expires_at, signers, unsigned)


def _by_transaction(rows: Iterable[Row[Any]]) -> Rows:
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.transaction_id].append(row)
    return found
