"""The documents as text: pages, headings, links, code blocks, tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"<!-- example: ([\w-]+) -->\s*\Z")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|<(https?://[^>]+)>")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block; `example` is the name in the comment above it."""

    page: Path
    language: str
    text: str
    example: str | None


def pages() -> list[Path]:
    """Every document of the repository that people read."""
    own = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    return [
        *own,
        *sorted(DOCS.rglob("*.md")),
        *sorted(ROOT.glob("plugins/*/README.md")),
        ROOT / "devnet/README.md",
    ]


@cache
def read(page: Path) -> str:
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """The text without its fenced blocks."""
    return _FENCE.sub("", read(page))


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    text = read(page)
    for match in _FENCE.finditer(text):
        indent, language, body = match.groups()
        example = _EXAMPLE.search(text[: match.start()])
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        yield Block(page, language, "\n".join(lines), example.group(1) if example else None)


def code(page: Path) -> list[str]:
    """What stands between backticks in running text."""
    return _CODE.findall(prose(page))


def links(page: Path) -> list[str]:
    """Where the page's links lead."""
    return [match.group(1) or match.group(2) for match in _LINK.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """The names by which a link can lead to a heading, as the usual renderers make them."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-")
        name, count = plain, 0
        while name in found:
            count += 1
            name = f"{plain}-{count}"
        found.add(name)
    return found


def section(page: Path, heading: str) -> str:
    """The text below a heading, up to the next of the same or a higher level."""
    text = read(page)
    start = re.search(rf"^(#+) +{re.escape(heading)}\s*$", text, re.MULTILINE)
    assert start, f"{page.name} has no heading {heading!r}"
    end = re.search(rf"^#{{1,{len(start.group(1))}}} ", text[start.end() :], re.MULTILINE)
    return text[start.end() : start.end() + end.start()] if end else text[start.end() :]


def cells(line: str) -> list[str]:
    """The cells of a table's line; none where it is no such line."""
    line = line.strip()
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []


def table(text: str) -> list[list[str]]:
    """The rows of the tables in a text, cell by cell, without their heads."""
    rows = [row for row in map(cells, text.splitlines()) if row]
    ruled = [
        number for number, row in enumerate(rows) if all(cell and set(cell) <= set("-: ") for cell in row)
    ]
    heads = {number - 1 for number in ruled} | set(ruled)
    return [row for number, row in enumerate(rows) if number not in heads]


def ticked(cell: str) -> list[str]:
    """What stands between backticks in a cell."""
    return _CODE.findall(cell)
