"""docs/explanation/crash-matrix.md shows every place at which a process dies while money goes out, and no fault."""

import re

from tests.kills_out.families import EVM, FAMILIES, Family
from tests.kills_out.page import PAGE, section

ROW = re.compile(r"^\| `([\w.]+)` \| (\w+) \| (.+) \|$", re.MULTILINE)
NAMES = ("lost", "double", "webhooks missing or wrong", "anything else wrong")


def tables() -> dict[Family, str]:
    """The tables by family; a family that was not tried so far has none."""
    text = PAGE.read_text("utf-8")
    return {each: table for each in FAMILIES.values() if (table := section(text, each)[1])}


def test_the_page_shows_every_place_with_kills_on_each_database() -> None:
    assert EVM in tables()
    for family, table in tables().items():
        rows = {(role, place): numbers.split(" | ") for place, role, numbers in ROW.findall(table)}
        known = {(role, str(place)) for role, places in family.places.items() for place in places}
        assert rows.keys() == known, family.name
        assert [place for place, numbers in rows.items() if len(numbers) != 2] == []


def test_what_must_be_0_is_0() -> None:
    for family, table in tables().items():
        for name in NAMES:
            [numbers] = re.findall(rf"^\| \*\*{name}\*\* \| +\| (.+) \|$", table, re.MULTILINE)
            assert set(numbers.split(" | ")) == {"0"}, f"{family.name}: {name}"
