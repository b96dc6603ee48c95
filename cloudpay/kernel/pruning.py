"""Forgetting what is old: a bounded number of rows at a time, so that no writer waits long for it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Delete, Select, delete
from sqlalchemy.orm import InstrumentedAttribute, Session

from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.db import Database

BATCH = 1_000
_BATCHES = 20
"""Of one run; what is left is the next run's, a minute later."""


def prune(database: Database, batch: Callable[[Session], int]) -> int:
    """Run `batch` in transactions of its own until it finds less than `BATCH` rows; answer how many there were."""
    pruned = 0
    for _ in range(_BATCHES):
        found = database.run(batch)
        pruned += found
        if found < BATCH:
            break
    return pruned


def delete_batch(session: Session, key: InstrumentedAttribute[Any], old: Select[Any]) -> int:
    """Delete the first `BATCH` rows that `old` selects by their key; answer how many there were."""
    statement: Delete = delete(key.class_).where(key.in_(old.limit(BATCH)))
    return changed_rows(session, statement)
