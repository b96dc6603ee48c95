"""The rows of docs/explanation/faults.md; `python -m tests.docs.fault_rows` names there the tests that name a fault."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.docs.pages import DOCS, ROOT, cells, read, ticked

PAGE = DOCS / "explanation" / "faults.md"
_TEST_FOLDERS = ("tests", "devnet/tests", "cloudpay/testing", "plugins")
_ROW = re.compile(r"F\d+(\u2013F\d+)?")
_IN_NAME = re.compile(r"(?:^test|(?<=\d))_f(\d+)(?=_)")


@cache
def known_tests() -> frozenset[str]:
    """The names of all test functions, and `file::name` of each."""
    found: set[str] = set()
    for folder in _TEST_FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    found |= {node.name, f"{path.relative_to(ROOT)}::{node.name}"}
    return frozenset(found)


def numbers(cell: str) -> list[int]:
    """Read one number, or a range of two joined by a dash."""
    ends = [int(each) for each in re.findall(r"F(\d+)", cell)]
    assert _ROW.fullmatch(cell), f"{cell!r} is no number of a fault"
    return list(range(ends[0], ends[-1] + 1))


def missing(row: list[str]) -> list[str]:
    """The tests that name a fault of this row (`test_f31_…`) and are not in it."""
    faults = {str(number) for number in numbers(row[0])}
    named = [name for name in sorted(known_tests()) if faults & set(_IN_NAME.findall(name))]
    return [name for name in named if "::" not in name and name not in ticked(row[3])]


def _completed() -> Iterator[str]:
    for line in read(PAGE).splitlines():
        row = cells(line)
        if row and _ROW.fullmatch(row[0]):
            tests = [f"`{name}`" for name in [*missing(row), *ticked(row[3])]]
            yield f"| {row[0]} | {row[1]} | {row[2]} | {', '.join(tests)} |".replace("|  |", "| |")
        else:
            yield line


if __name__ == "__main__":
    PAGE.write_text("\n".join(_completed()) + "\n", encoding="utf-8")
