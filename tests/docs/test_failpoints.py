"""docs/how-to/kill-it.md lists every place at which a process can be killed, and no other."""

import re
from pathlib import Path

from cloudpay.kernel.failpoints import Failpoint

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "kill-it.md"
ROW = re.compile(r"^\| `(\w+\.[\w.]+)` \|", re.MULTILINE)


def test_the_page_lists_every_place_and_no_other() -> None:
    assert sorted(ROW.findall(PAGE.read_text(encoding="utf-8"))) == sorted(Failpoint)
