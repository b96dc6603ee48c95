"""Links lead somewhere, and every page can be found."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.pages import DOCS, ROOT, anchors, links, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_and_anchor_leads_somewhere(page: Path) -> None:
    lost = [link for link in links(page) if not _leads_somewhere(page, link)]
    assert lost == []


def _leads_somewhere(page: Path, link: str) -> bool:
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme in ("http", "https")
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return False
    return not parts.fragment or parts.fragment in anchors(target)


def test_every_page_is_in_the_index() -> None:
    index = DOCS / "index.md"
    listed = {(DOCS / urlsplit(link).path).resolve() for link in links(index)}
    assert {page for page in DOCS.rglob("*.md") if page != index} - listed == set()


def test_every_page_has_one_title() -> None:
    for page in pages():
        titles = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("# ")]
        assert titles, f"{page} has no title"
