"""docs/explanation/faults.md: every number once, and every test that it names exists."""

import ast
import re
from functools import cache

from tests.docs.pages import DOCS, ROOT, code, pages, read, table, ticked

PAGE = DOCS / "explanation" / "faults.md"
_NUMBERS = [*range(1, 24), *range(30, 46), *range(50, 75), *range(80, 102), *range(110, 118)]
_TEST_FOLDERS = ("tests", "devnet/tests", "cloudpay/testing", "plugins")


def _numbers(cell: str) -> list[int]:
    """Read one number, or a range of two joined by a dash."""
    ends = [int(each) for each in re.findall(r"F(\d+)", cell)]
    assert ends and re.fullmatch(r"F\d+(\u2013F\d+)?", cell), f"{cell!r} is no number of a fault"
    return list(range(ends[0], ends[-1] + 1))


@cache
def known_tests() -> frozenset[str]:
    """The names of all test functions, and `file::name` of each."""
    found: set[str] = set()
    for folder in _TEST_FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    found |= {node.name, f"{path.relative_to(ROOT)}::{node.name}"}
    return frozenset(found)


def test_every_fault_is_there_once_and_in_order() -> None:
    assert [number for row in table(read(PAGE)) for number in _numbers(row[0])] == _NUMBERS


def test_every_fault_says_what_happens() -> None:
    for number, case, happens, *_ in table(read(PAGE)):
        assert case and happens, f"{number} says nothing"


def test_every_row_names_tests_that_exist() -> None:
    named = {name for row in table(read(PAGE)) for name in ticked(row[3])}
    assert named - known_tests() == set()


def test_every_test_that_any_page_names_exists() -> None:
    for page in pages():
        named = [each for each in code(page) if re.fullmatch(r"(\S+::)?test_\w+", each)]
        assert set(named) - known_tests() == set(), page


def test_a_test_that_names_a_fault_is_in_its_row() -> None:
    """`test_f31_…` is what shows F31, so its row names it."""
    rows = {number: ticked(row[3]) for row in table(read(PAGE)) for number in _numbers(row[0])}
    missing = [
        f"F{number}: {name}"
        for name in known_tests()
        for number in re.findall(r"(?:^test|(?<=\d))_f(\d+)(?=_)", name)
        if name not in rows[int(number)]
    ]
    assert missing == [], "name these tests in docs/explanation/faults.md"
