"""The history as a table for spreadsheets: written piece by piece, and without anything that one would calculate."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

COLUMNS = (
    "id",
    "payout_id",
    "batch_id",
    "status",
    "address",
    "amount",
    "currency",
    "network",
    "token_address",
    "priority",
    "memo",
    "fee",
    "fee_currency",
    "tx_hash",
    "reason",
    "created_at",
    "ended_at",
)

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_PIECE = 64 * 1024


def csv_text(answers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write payouts as CSV (RFC 4180), a piece at a time."""
    piece = io.StringIO()
    writer = csv.writer(piece)
    writer.writerow(COLUMNS)
    for answer in answers:
        writer.writerow([_cell(answer[column]) for column in COLUMNS])
        if piece.tell() >= _PIECE:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()


def _cell(value: Any) -> str:
    """A cell that begins like a formula gets a quote before it: a spreadsheet shows it, and calculates nothing."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULAS) else text
