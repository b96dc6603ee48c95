"""The shape of an operation."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Operation(NamedTuple):
    """What an opcode takes and leaves on the stack, costs and does (java-tron's Operation)."""

    name: str
    takes: int
    leaves: int
    # A fixed price, or one that depends on the frame; Any is the Frame, which knows its run and so this table.
    price: int | Callable[[Any], int]
    action: Callable[[Any], None]
