"""Pages of lists: bounded, one query each, and steady while new items come in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

Item = TypeVar("Item")
Other = TypeVar("Other")

MAX_PAGE = 1_000_000
MAX_LIMIT = 100


@dataclass(frozen=True)
class Paging:
    """Which page, counted from 1, and how many items it has at most; out of bounds is a ValueError.

    `anchor` is the id that page 1 answered: later pages count from there, so that new items shift nothing.
    """

    page: int = 1
    limit: int = 20
    anchor: str | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.page <= MAX_PAGE and 1 <= self.limit <= MAX_LIMIT):
            raise ValueError(f"page {self.page} of {self.limit} is out of bounds")

    @property
    def offset(self) -> int:
        """How many items come before this page."""
        return (self.page - 1) * self.limit


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page, newest first; `more` says whether a further one holds anything."""

    items: tuple[Item, ...]
    page: int
    limit: int
    more: bool
    anchor: str | None

    def map(self, convert: Callable[[Item], Other]) -> "Page[Other]":
        """Answer the same page of converted items: rows never leave a service."""
        return Page(tuple(map(convert, self.items)), self.page, self.limit, self.more, self.anchor)


def fetch_page(
    session: Session, statement: Select[Item], paging: Paging, *, by: InstrumentedAttribute[str]
) -> Page[Item]:
    """Fetch a page of `statement`, newest first by the id column `by` (ids sort by the time they were made).

    One row more than shown is asked for, so that nothing need be counted.
    """
    ordered: Select[Any] = statement.order_by(by.desc())
    if paging.anchor is not None:
        ordered = ordered.where(by <= paging.anchor)
    rows = tuple(session.scalars(ordered.offset(paging.offset).limit(paging.limit + 1)))
    first = str(getattr(rows[0], by.key)) if rows and paging.page == 1 else None
    return Page(
        rows[: paging.limit],
        paging.page,
        paging.limit,
        more=len(rows) > paging.limit,
        anchor=paging.anchor or first,
    )
