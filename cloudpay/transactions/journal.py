"""The journal beside the database: what was signed, on disk before it is broadcast. It gives an old backup away.

What the signer counts for the day stands in it, too, in lines of its own: on disk before the bytes are in the database,
and as the signer saw it, so that nobody who can write the database can have the day begin anew.
"""

import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from cloudpay.chains.spending import Spend
from cloudpay.kernel.errors import Unavailable
from cloudpay.kernel.log import get_logger
from cloudpay.wallets.day import Counted

_ROOM = 1 << 20
"""Bytes that must be free on the journal's disk before anything is signed."""

_COUNTED, _RECONCILED = '{"counted"', '{"reconciled"'
"""How such lines begin."""

_lock = threading.Lock()
_log = get_logger(__name__)


class JournalFailed(Unavailable):
    """The journal cannot be written or read, so nothing is broadcast, and nothing signed."""

    code: ClassVar[str] = "journal_failed"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The journal {path} cannot be used: {reason}. Nothing is broadcast until it can be written; make room on "
            "its disk, or correct its owner."
        )
        self.path = path


@dataclass(frozen=True)
class Entry:
    """One signed attempt, and the ids of the spends that its transaction carries."""

    network: str
    tx_id: str
    claims: tuple[str, ...]
    at: datetime
    spends: tuple[str, ...]


class Journal:
    """Lines that are only ever appended; a line that is there twice means what it means once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def require_room(self) -> None:
        """Raise `JournalFailed` unless what would be signed now could be written down."""
        try:
            free = shutil.disk_usage(self.path.parent).free
            os.close(self._open())
        except OSError as error:
            raise JournalFailed(self.path, error.strerror or str(error)) from error
        if free < _ROOM:
            raise JournalFailed(self.path, "its disk is full")

    def append(self, entries: Sequence[Entry]) -> None:
        """Have these on disk when it returns; raises `JournalFailed`."""
        self._write("".join(f"{json.dumps(_plain(each))}\n" for each in entries))

    def count(self, counted: Sequence[Counted]) -> None:
        """Have what the signer counts on disk when it returns; raises `JournalFailed`."""
        if counted:
            self._write("".join(f"{json.dumps(_plain_count(each))}\n" for each in counted))

    def reconcile(self, reason: str, at: datetime) -> None:
        """Note that a person has compared the gateway with the chains: what is written above need not be known."""
        self._write(f"{json.dumps({'reconciled': reason, 'at': at.isoformat()})}\n")

    def entries(self) -> Iterator[Entry]:
        """Answer what was signed since the last reconciliation, oldest first; a torn line was never broadcast."""
        start = self._last_reconciled()
        for number, line in enumerate(self._lines()):
            found = _read(line) if number >= start else None
            if found is not None and "tx_id" in found:
                yield _entry(found)

    def counted(self) -> Iterator[Counted]:
        """Answer all that the signer has counted, oldest first: no reconciliation makes it less."""
        for line in self._lines():
            found = _read(line) if line.startswith(_COUNTED) else None
            if found is not None:
                yield _counted(found)

    def _last_reconciled(self) -> int:
        """Answer how many lines are settled."""
        marks = (number for number, line in enumerate(self._lines(), start=1) if line.startswith(_RECONCILED))
        return max(marks, default=0)

    def _lines(self) -> Iterator[str]:
        try:
            with self.path.open(encoding="utf-8", errors="replace") as file:
                yield from file
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalFailed(self.path, error.strerror or str(error)) from error

    def _write(self, text: str) -> None:
        try:
            with _lock:
                descriptor = self._open()
                try:
                    data = (_ending(descriptor) + text).encode()
                    if os.write(descriptor, data) != len(data):
                        raise JournalFailed(self.path, "its disk is full")
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise JournalFailed(self.path, error.strerror or str(error)) from error

    def _open(self) -> int:
        """Open it for appending; a new one's name is on disk too, before anything is said to be written."""
        try:
            return os.open(self.path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
            return descriptor


def _ending(descriptor: int) -> str:
    """What ends a line that a full disk or a power cut has torn, so that it spoils no other."""
    size = os.fstat(descriptor).st_size
    return "\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else ""


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "network": entry.network,
        "tx_id": entry.tx_id,
        "claims": list(entry.claims),
        "at": entry.at.isoformat(),
        "spends": list(entry.spends),
    }


def _plain_count(counted: Counted) -> dict[str, Any]:
    spend = counted.spend
    return {
        "counted": counted.network,
        "claims": sorted(counted.claims),
        "at": counted.at.isoformat(),
        "spend": [spend.id, spend.source, spend.recipient, spend.contract, str(spend.amount)],
    }


def _read(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    if line.strip():
        _log.warning("journal_line_torn", length=len(line))
    return None


def _entry(found: dict[str, Any]) -> Entry:
    at = datetime.fromisoformat(found["at"])
    return Entry(found["network"], found["tx_id"], tuple(found["claims"]), at, tuple(found["spends"]))


def _counted(found: dict[str, Any]) -> Counted:
    name, source, to, contract, amount = found["spend"]
    spend = Spend(name, source, to, contract, int(amount))
    at = datetime.fromisoformat(found["at"])
    return Counted(found["counted"], spend, frozenset(found["claims"]), at)
