"""Address indexes, reserved in blocks: a process hands them out from memory, so that no invoice waits for a hot row.

What a process had reserved when it ended is skipped, never handed out again. Each gap makes a restore look further, so
what was taken and not used is given back.
"""

import os
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from cloudpay.kernel.db import Database
from cloudpay.kernel.upsert import upsert
from cloudpay.wallets.models import AddressRangeRow

BLOCK = 32


@dataclass
class _Block:
    """Indexes of one branch that this process may hand out: from `next` up to, not including, `end`, and the spare."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    next: int = 0
    end: int = 0
    spare: list[int] = field(default_factory=list)


_Branch = tuple[str, int, int]


class _Process:
    """What this process has reserved; a fork starts anew, neither sharing nor waiting for what its parent holds."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start with nothing reserved."""
        self.lock = threading.Lock()
        self.blocks: WeakKeyDictionary[Database, defaultdict[_Branch, _Block]] = WeakKeyDictionary()

    def block(self, db: Database, branch: _Branch) -> _Block:
        """Answer the block of a branch that this process hands out from."""
        with self.lock:
            return self.blocks.setdefault(db, defaultdict(_Block))[branch]


_process = _Process()
os.register_at_fork(after_in_child=_process.reset)


def take_index(db: Database, key_family: str, account: int, chain: int) -> int:
    """Answer an index that nobody else was ever given; now and then one short transaction reserves the next block."""
    block = _process.block(db, (key_family, account, chain))
    with block.lock:
        if block.spare:
            return block.spare.pop()
        if block.next == block.end:
            block.end = _reserve(db, key_family, account, chain)
            block.next = block.end - BLOCK
        index = block.next
        block.next += 1
        return index


def give_back(db: Database, key_family: str, account: int, chain: int, index: int) -> None:
    """Hand an index out again that this process took: only one that no statement ever had, committed or not."""
    block = _process.block(db, (key_family, account, chain))
    with block.lock:
        block.spare.append(index)


def _reserve(db: Database, key_family: str, account: int, chain: int) -> int:
    def work(session: Session) -> int:
        row = {"key_family": key_family, "account": account, "chain": chain, "next_index": BLOCK}
        statement = (
            upsert(session, AddressRangeRow)
            .values(**row)
            .on_conflict_do_update(
                index_elements=["key_family", "account", "chain"],
                set_={"next_index": AddressRangeRow.next_index + BLOCK},
            )
            .returning(AddressRangeRow.next_index)
        )
        return session.execute(statement).scalar_one()

    return db.run(work)
