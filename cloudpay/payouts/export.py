"""The history as a table for spreadsheets: written piece by piece, and without anything that one would calculate."""

import csv
import io
import re
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

TABLE = {
    "schema": {"type": "string"},
    "example": '"id","payout_id","batch_id","status",…\r\n"REF_001","po_01K9…","bat_01K9…","confirmed",…\r\n',
}
"""The table as OpenAPI documents it."""

# A spreadsheet that was told another separator than the comma begins a cell after it, within the quotes of another.
_FORMULA = re.compile(r"""(^|[;\t\r\n])(?=(?:[^\S\r\n]|["'])*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r])""")
_PIECE = 64 * 1024


def csv_text(answers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write payouts as CSV (RFC 4180) with every cell in quotes, a piece at a time."""
    piece = io.StringIO()
    writer = csv.writer(piece, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for answer in answers:
        writer.writerow([_cell(answer[column]) for column in COLUMNS])
        if piece.tell() >= _PIECE:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()


def _cell(value: Any) -> str:
    """What would begin a cell like a formula gets a quote before it: a spreadsheet shows it, and calculates nothing."""
    return "" if value is None else _FORMULA.sub(r"\1'", str(value))
