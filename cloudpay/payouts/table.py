"""Payouts as a CSV file, as spreadsheets write it: read into the same batch that JSON is read into."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from marshmallow import RAISE, ValidationError

from cloudpay.kernel.errors import CloudPayError
from cloudpay.payouts.errors import PayoutsRefused
from cloudpay.payouts.schemas import MOST_ITEMS, NewBatchSchema
from cloudpay.payouts.views import NewBatch

COLUMNS = ("id", "address", "amount", "network", "currency", "priority", "memo")
REQUIRED = COLUMNS[:3]

_EXAMPLE = "id,address,amount,currency\nREF_001,0x742d35Cc6634C0532925a3b844Bc454e4438f44e,100,USDT\n"
FILE_BODY = {
    "required": True,
    "description": "The file, in UTF-8: comma, semicolon or tab between the cells.",
    "content": {"text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE}},
}
"""The body as OpenAPI documents it."""

_DELIMITERS = (",", ";", "\t")
_SAYS_DELIMITER = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)  # as Excel writes and reads it
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)
_ERRORS = frozenset(
    {
        *("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#ERROR!", "#MACRO?"),
        *("#GETTING_DATA", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#UNKNOWN!", "#CONNECT!", "#BUSY!"),
        *("#EXTERNAL!", "#PYTHON!", "#TIMEOUT!"),
        *("#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#ÜBERLAUF!"),  # in German
        *("#VALEUR!", "#NOM?", "#NOMBRE!", "#NUL!"),  # in French
        *("#N/D", "#¡DIV/0!", "#¿NOMBRE?", "#¡NULO!", "#¡NUM!", "#¡REF!", "#¡VALOR!"),  # in Spanish
        *(
            "#RIF!",
            "#VALORE!",
            "#NOME?",
            "#NULLO!",
            "#VALOR!",
            "#NÚM!",
            "#NULO!",
        ),  # in Italian and Portuguese
    }
)
"""What spreadsheets show when a formula has failed. Any other text after a # is one's own, as shops number orders."""

_COMMA = "There is a comma in it. Write a point before the decimals, and nothing between thousands: 1234.50."
_FORMULA = "It is a formula. Put its value there: a file is read and not calculated."
_FAILED = "It is what a spreadsheet shows when a formula has failed. Put the value there."
_SHORT = "A spreadsheet has shortened this number, so that digits are lost. Format the column as text and fill it anew."


class FileInForm(CloudPayError):
    """The file is wrapped in a form."""

    code: ClassVar[str] = "file_in_form"
    http_status: ClassVar[int] = 415
    title: ClassVar[str] = "The body is a form"

    def __init__(self) -> None:
        super().__init__(
            "Send the file itself as the body, as `curl --data-binary @payouts.csv` does, and no form."
        )


def read_table(body: bytes, options: Mapping[str, Any]) -> NewBatch:
    """Read a file's payouts; `options` are a batch's other fields.

    Its first line names the columns, in any order. Raises `PayoutsRefused`, which names every line and column that
    something is wrong with.
    """
    table = _Table()
    for line, cells in _records(body):
        if not table.names:
            table.name_columns(cells)
        else:
            table.add(line, cells)
    if not table.names:
        raise PayoutsRefused({"header": [f"The file is empty. Its first line names {_list(REQUIRED)}."]})
    if not table.rows and not table.errors:
        raise PayoutsRefused({"lines": ["There is nothing below the names of the columns."]})
    return table.load(options)


def _records(body: bytes) -> Iterator[tuple[int, list[str]]]:
    """Answer the lines that say anything, each with the number of its first line in the file."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PayoutsRefused(
            {"file": ['It is not UTF-8. Save it as "CSV UTF-8", which spreadsheets offer.']}
        ) from error
    said = _SAYS_DELIMITER.match(text)
    skipped = 1 if said else 0
    text = text[said.end() :] if said else text
    delimiter = said[1] if said else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise PayoutsRefused({f"lines.{line}": [f"It cannot be read as CSV: {error}."]}) from error
        stripped = [each.strip(" ") for each in cells]
        if any(stripped):
            yield line, stripped


def _delimiter(text: str) -> str:
    """What stands most often between the names of the columns; none of them holds one."""
    first = text.lstrip("\r\n").partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


@dataclass
class _Table:
    """What was read so far: the columns' names, the rows with their lines, and what is wrong by line and column."""

    names: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    errors: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def name_columns(self, cells: Sequence[str]) -> None:
        """Take the first line; raises `PayoutsRefused` at once, since nothing below it can be read without it."""
        names = [each.lower() for each in cells]
        while names and not names[-1]:
            names.pop()
        wrong = [
            *(f"{each[:40]!r} is no column here." for each in names if each not in COLUMNS),
            *(f"{each!r} is there twice." for each in COLUMNS if names.count(each) > 1),
            *(f"{each!r} is missing." for each in REQUIRED if each not in names),
        ]
        if wrong:
            advice = f"The first line names the columns, in any order: {_list(COLUMNS)}; the first three must be there."
            raise PayoutsRefused({"header": [*wrong, advice]})
        self.names = names

    def add(self, line: int, cells: Sequence[str]) -> None:
        """Take a line, or note what is wrong with it."""
        if len(self.lines) == MOST_ITEMS:
            raise PayoutsRefused({"lines": [f"There are more than {MOST_ITEMS} payouts. Split the file."]})
        more = len(cells) - len(self.names)
        if more < 0 or any(cells[len(self.names) :]):
            sentence = f"It has {len(cells)} cells, and the first line names {len(self.names)} columns."
            if more > 0:
                sentence += (
                    " Write decimals with a point, and put quotes around a text that holds the separator."
                )
            self.errors[f"lines.{line}"].append(sentence)
            return
        row = dict(zip(self.names, cells, strict=False))
        for column, cell in row.items():
            problem = _problem(column, cell)
            if problem:
                self.errors[f"lines.{line}.{column}"].append(problem)
        self.lines.append(line)
        self.rows.append(row)

    def load(self, options: Mapping[str, Any]) -> NewBatch:
        """Answer the batch; raises `PayoutsRefused`."""
        try:
            loaded: NewBatch = NewBatchSchema(unknown=RAISE).load({**options, "items": self.rows})
        except ValidationError as error:
            self._note(error.messages_dict)
            raise PayoutsRefused(self._in_order()) from error
        if self.errors:
            raise PayoutsRefused(self._in_order())
        return replace(loaded, lines=tuple(self.lines))

    def _note(self, messages: Mapping[str, Any]) -> None:
        """What was said of a cell already says why it is wrong, too, and that of a line why there is no row of it."""
        self.errors.update({name: said for name, said in messages.items() if name != "items"})
        of_rows: Mapping[int, Mapping[str, list[str]]] = messages.get("items", {}) if self.rows else {}
        for number, by_column in of_rows.items():
            for column, sentences in by_column.items():
                name = f"lines.{self.lines[number]}.{column}"
                self.errors[name] = self.errors.get(name) or sentences

    def _in_order(self) -> dict[str, list[str]]:
        """What is wrong with all of it, and then line by line."""
        return dict(sorted(self.errors.items(), key=lambda each: _line_of(each[0])))


def _line_of(name: str) -> int:
    _, _, place = name.partition(".")
    return int(place.partition(".")[0]) if place else 0


def _problem(column: str, cell: str) -> str:
    if cell.startswith("="):
        return _FORMULA
    if cell in _ERRORS:
        return _FAILED
    if column in ("id", "amount") and _SHORTENED.fullmatch(cell):
        return _SHORT
    return _COMMA if column == "amount" and "," in cell else ""


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
