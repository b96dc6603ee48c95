"""docs/explanation/faults.md: every number once, and every test that it names exists."""

import re

from tests.docs.fault_rows import PAGE, known_tests, missing, numbers
from tests.docs.pages import code, pages, read, table, ticked

_NUMBERS = [*range(1, 24), *range(30, 46), *range(50, 75), *range(80, 102), *range(110, 118)]


def test_every_fault_is_there_once_and_in_order() -> None:
    assert [number for row in table(read(PAGE)) for number in numbers(row[0])] == _NUMBERS


def test_every_fault_says_what_happens() -> None:
    for number, case, happens, _ in table(read(PAGE)):
        assert case and happens, f"{number} says nothing"


def test_every_row_names_tests_that_exist() -> None:
    named = {name for row in table(read(PAGE)) for name in ticked(row[3])}
    assert named - known_tests() == set()


def test_every_test_that_any_page_names_exists() -> None:
    for page in pages():
        named = [each for each in code(page) if re.fullmatch(r"(\S+::)?test_\w+", each)]
        assert set(named) - known_tests() == set(), page


def test_a_test_that_names_a_fault_is_in_its_row() -> None:
    lacking = [name for row in table(read(PAGE)) for name in missing(row)]
    assert lacking == [], "run `.venv/bin/python -m tests.docs.fault_rows`, which names them in the page"
