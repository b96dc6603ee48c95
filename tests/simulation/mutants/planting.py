"""Planted defects: each breaks one thing in the gateway, and the simulation has to find out from the outside."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from sqlalchemy.orm import Session

from cloudpay.payments.pages import PageCommit

Patches = Mapping[str, Any]
MUTANTS: dict[str, Callable[[], Patches]] = {}
"""By name, what each replaces: import paths and stand-ins."""


def mutant(make: Callable[[], Patches]) -> Callable[[], Patches]:
    """Put a defect into the list, under its function's name."""
    MUTANTS[make.__name__.replace("_", " ")] = make
    return make


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have the defect for the length of the block."""
    with ExitStack() as stack:
        for target, stand_in in MUTANTS[name]().items():
            stack.enter_context(mock.patch(target, stand_in))
        yield


def after_the_commit(target: str, function: Callable[..., Any]) -> Patches:
    """Do what belongs into the page's transaction in one of its own, after it."""
    late: list[tuple[Any, ...]] = []
    run = PageCommit.run

    def put_off(_session: Session, *arguments: Any) -> bool:
        late.append(arguments)
        return True

    def then_do(self: PageCommit, *arguments: Any) -> bool:
        late.clear()
        goes_on = run(self, *arguments)
        for each in late:
            self.gateway.db.run(lambda session, each=each: function(session, *each))  # type: ignore[misc]
        late.clear()
        return goes_on

    return {target: put_off, "cloudpay.payments.pages.PageCommit.run": then_do}
