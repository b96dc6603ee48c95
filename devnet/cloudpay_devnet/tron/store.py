"""Blocks, receipts and what the chain knew after each of the last blocks, in SQLite: nothing is lost by a kill."""

import sqlite3
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cloudpay_tron.protocol import tron_pb2 as tron

KEPT_WORLDS = 128
"""So many blocks can be taken back; a fork of TRON reaches back 18."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, id BLOB UNIQUE, block BLOB, infos BLOB, world BLOB);
CREATE TABLE IF NOT EXISTS transactions (id BLOB PRIMARY KEY, number INTEGER, position INTEGER);
CREATE INDEX IF NOT EXISTS transactions_by_block ON transactions (number);
CREATE TABLE IF NOT EXISTS pending (id BLOB PRIMARY KEY, body BLOB);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER);
"""


@dataclass(frozen=True)
class StoredBlock:
    """A block with its id and receipts."""

    id: bytes
    block: tron.Block
    infos: tuple[tron.TransactionInfo, ...]

    @property
    def number(self) -> int:
        """Its height."""
        return self.block.block_header.raw_data.number

    @property
    def timestamp(self) -> int:
        """When it was made, in milliseconds."""
        return self.block.block_header.raw_data.timestamp


class Store:
    """One chain's database; without a path it is in memory."""

    def __init__(self, path: Path | None) -> None:
        self._sql = sqlite3.connect(
            ":memory:" if path is None else path, check_same_thread=False, isolation_level=None
        )
        self._sql.execute("PRAGMA journal_mode=WAL")
        self._sql.execute("PRAGMA synchronous=NORMAL")
        self._sql.executescript(_SCHEMA)

    def clear(self) -> None:
        """Forget everything."""
        for table in ("blocks", "transactions", "pending", "facts"):
            self._sql.execute(f"DELETE FROM {table}")  # noqa: S608 - the names stand one line above

    def close(self) -> None:
        """Close the database."""
        self._sql.close()

    def add(self, stored: StoredBlock, world: bytes | None) -> None:
        """Append a block; its transactions wait no more. None is a world that did not change."""
        infos = msgspec.msgpack.encode([info.SerializeToString() for info in stored.infos])
        packed = None if world is None else zlib.compress(world, 1)
        self._sql.execute("BEGIN")
        self._sql.execute(
            "INSERT INTO blocks VALUES (?, ?, ?, ?, ?)",
            (stored.number, stored.id, stored.block.SerializeToString(), infos, packed),
        )
        for position, info in enumerate(stored.infos):
            self._sql.execute("INSERT INTO transactions VALUES (?, ?, ?)", (info.id, stored.number, position))
            self._sql.execute("DELETE FROM pending WHERE id = ?", (info.id,))
        self._sql.execute(
            "UPDATE blocks SET world = NULL WHERE world IS NOT NULL AND number < (SELECT max(number)"
            " FROM blocks WHERE world IS NOT NULL AND number <= ?)",
            (stored.number - KEPT_WORLDS,),
        )
        self._sql.execute("COMMIT")

    def cut(self, number: int) -> None:
        """Forget every block above a height."""
        self._sql.execute("BEGIN")
        self._sql.execute("DELETE FROM transactions WHERE number > ?", (number,))
        self._sql.execute("DELETE FROM blocks WHERE number > ?", (number,))
        self._sql.execute("COMMIT")

    def height(self) -> int:
        """The last block's number, or -1."""
        row = self._sql.execute("SELECT max(number) FROM blocks").fetchone()
        return -1 if row[0] is None else int(row[0])

    def block(self, number: int) -> StoredBlock | None:
        """The block at a height."""
        row = self._sql.execute("SELECT id, block, infos FROM blocks WHERE number = ?", (number,)).fetchone()
        if row is None:
            return None
        infos = msgspec.msgpack.decode(row[2], type=list[bytes])
        return StoredBlock(
            row[0],
            tron.Block.FromString(row[1]),
            tuple(tron.TransactionInfo.FromString(info) for info in infos),
        )

    def number_of(self, block_id: bytes) -> int | None:
        """The height of the block with that id."""
        row = self._sql.execute("SELECT number FROM blocks WHERE id = ?", (block_id,)).fetchone()
        return None if row is None else int(row[0])

    def world(self, number: int) -> bytes:
        """What the chain knew after a block; raises KeyError when that is no longer kept."""
        row = self._sql.execute(
            "SELECT world FROM blocks WHERE number <= ? AND world IS NOT NULL ORDER BY number DESC LIMIT 1",
            (number,),
        ).fetchone()
        if row is None:
            raise KeyError(number)
        return zlib.decompress(row[0])

    def place_of(self, transaction_id: bytes) -> tuple[int, int] | None:
        """The block number of a transaction and its place there."""
        row = self._sql.execute(
            "SELECT number, position FROM transactions WHERE id = ?", (transaction_id,)
        ).fetchone()
        return None if row is None else (int(row[0]), int(row[1]))

    def add_pending(self, transaction_id: bytes, body: bytes) -> None:
        """Remember a transaction that waits for its block."""
        self._sql.execute("INSERT OR REPLACE INTO pending VALUES (?, ?)", (transaction_id, body))

    def drop_pending(self, transaction_id: bytes) -> None:
        """Forget a transaction that waited."""
        self._sql.execute("DELETE FROM pending WHERE id = ?", (transaction_id,))

    def pending(self) -> list[bytes]:
        """All that wait, oldest first."""
        return [row[0] for row in self._sql.execute("SELECT body FROM pending ORDER BY rowid")]

    def fact(self, name: str) -> int:
        """A remembered number, 0 when it was never set."""
        row = self._sql.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def set_fact(self, name: str, value: int) -> None:
        """Remember a number."""
        self._sql.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
