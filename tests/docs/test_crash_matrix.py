"""docs/explanation/crash-matrix.md shows every place at which a process dies while money goes out, and no fault."""

import re

from tests.kills_out.page import PAGE
from tests.kills_out.roles import PLACES

ROW = re.compile(r"^\| `([\w.]+)` \| (\w+) \| (.+) \|$", re.MULTILINE)
NAMES = ("lost", "double", "webhooks missing or wrong", "anything else wrong")


def test_the_page_shows_every_place_with_kills_on_each_database() -> None:
    rows = {
        (role, place): numbers.split(" | ") for place, role, numbers in ROW.findall(PAGE.read_text("utf-8"))
    }
    assert rows.keys() == {(role, str(place)) for role, places in PLACES.items() for place in places}
    assert [place for place, numbers in rows.items() if len(numbers) != 2] == []


def test_what_must_be_0_is_0() -> None:
    text = PAGE.read_text("utf-8")
    for name in NAMES:
        [numbers] = re.findall(rf"^\| \*\*{name}\*\* \| +\| (.+) \|$", text, re.MULTILINE)
        assert set(numbers.split(" | ")) == {"0"}, name
