"""What came of a message."""

from dataclasses import dataclass
from enum import Enum


class Result(Enum):
    """How an execution ended: java-tron's `contractRet`, numbers and names of the protocol."""

    SUCCESS = 1
    REVERT = 2
    BAD_JUMP_DESTINATION = 3
    OUT_OF_MEMORY = 4
    PRECOMPILED_CONTRACT = 5
    STACK_TOO_SMALL = 6
    STACK_TOO_LARGE = 7
    ILLEGAL_OPERATION = 8
    STACK_OVERFLOW = 9
    OUT_OF_ENERGY = 10
    OUT_OF_TIME = 11
    JVM_STACK_OVER_FLOW = 12
    UNKNOWN = 13
    TRANSFER_FAILED = 14
    INVALID_CODE = 15


@dataclass(frozen=True)
class Log:
    """An event of a contract."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class InternalTransaction:
    """One thing that a contract did to another address; value is in sun."""

    hash: bytes
    caller: bytes
    to: bytes
    value: int
    note: str  # "call", "create" or "suicide"
    rejected: bool  # True when the frame it belongs to was undone: its value did not move


@dataclass(frozen=True)
class Outcome:
    """The end of an execution; unless it is SUCCESS, the state is as before and there are no logs."""

    result: Result
    energy_used: int  # the whole limit for every failure but REVERT and TRANSFER_FAILED
    energy_penalty: int  # the part of it that the dynamic energy model added
    output: bytes  # what was returned, or the revert's reason
    logs: tuple[Log, ...]
    internal: tuple[InternalTransaction, ...]
    created_address: bytes | None  # of a successful creation
    error: str  # java-tron's sentence for `resMessage`, empty on success
