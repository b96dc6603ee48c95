"""State is data: a table of allowed transitions, and the one checker that refuses any other."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

from cloudpay.kernel.errors import Conflict

State = TypeVar("State", bound=StrEnum)


class IllegalTransition(Conflict):
    """A thing in one state was asked to enter another that its table does not allow."""

    code: ClassVar[str] = "illegal_transition"

    def __init__(self, thing: str, current: str, wanted: str) -> None:
        super().__init__(f"The {thing} is {current}; it cannot become {wanted}.")
        self.thing, self.current, self.wanted = thing, current, wanted


@dataclass(frozen=True)
class Transitions(Generic[State]):
    """Which state may follow which, for one kind of thing."""

    thing: str
    table: Mapping[State, frozenset[State]]

    def allows(self, current: State, wanted: State) -> bool:
        """Say whether `wanted` may follow `current`."""
        return wanted in self.table[current]

    def check(self, current: State, wanted: State) -> State:
        """Answer `wanted`, or raise `IllegalTransition`."""
        if not self.allows(current, wanted):
            raise IllegalTransition(self.thing, current.value, wanted.value)
        return wanted
