"""What operations cost: java-tron's EnergyCost, by the main net's parameters.

Source: actuator/src/main/java/org/tron/core/vm/EnergyCost.java and OperationRegistry.java. There is no price of a
transaction itself, of call data, of a first access to a slot or account, and no refund.
"""

from collections.abc import Callable

from cloudpay_devnet.tron.tvm.failures import OutOfMemory
from cloudpay_devnet.tron.tvm.frames import Frame

ZERO, SPECIAL, BASE, VERY_LOW, LOW, MID, HIGH, EXT = 0, 1, 2, 3, 5, 8, 10, 20
BALANCE = 20
SLOAD = 50
EXT_CODE_SIZE = 20
EXT_CODE_HASH = 400
TLOAD = TSTORE = 100
STIPEND = 2_300
CODE_BYTE = 200

_SET_SSTORE, _RESET_SSTORE, _CLEAR_SSTORE = 20_000, 5_000, 5_000
_CALL, _VALUE_TRANSFER, _NEW_ACCOUNT = 40, 9_000, 25_000
_CREATE = 32_000
_SUICIDE = 5_000  # getSuicideCost3, since proposal 94 restricted it
_EXT_CODE_COPY = 20
_SHA3, _SHA3_WORD = 30, 6
_EXP, _EXP_BYTE = 10, 10
_LOG, _LOG_TOPIC, _LOG_BYTE = 375, 375, 8
_COPY_WORD = _MEMORY_WORD = 3
_MEMORY_LIMIT = 3 * 1024 * 1024

Price = Callable[[Frame], int]


def _memory(frame: Frame, *ranges: tuple[int, int]) -> int:
    """The growth of the memory that (offset, size) ranges need."""
    needed = max(offset + size if size else 0 for offset, size in ranges)
    if needed > _MEMORY_LIMIT:
        raise OutOfMemory(f"Out of Memory when an operation needs {needed} bytes")
    words = (needed + 31) // 32
    before = frame.memory_words()
    if words <= before:
        return 0
    return _MEMORY_WORD * (words - before) + words * words // 512 - before * before // 512


def _words(size: int) -> int:
    return (size + 31) // 32


def memory_access(size: int) -> Price:
    """MLOAD, MSTORE and MSTORE8; 1 on top since ALLOW_HIGHER_LIMIT_FOR_MAX_CPU_TIME_OF_ONE_TX (getMloadCost2)."""
    return lambda frame: SPECIAL + _memory(frame, (frame.word(0), size))


def returned(frame: Frame) -> int:
    """RETURN and REVERT."""
    return _memory(frame, (frame.word(0), frame.word(1)))


def sha3(frame: Frame) -> int:
    """SHA3."""
    size = frame.word(1)
    return _SHA3 + _memory(frame, (frame.word(0), size)) + _SHA3_WORD * _words(size)


def copied(frame: Frame) -> int:
    """CALLDATACOPY, CODECOPY and RETURNDATACOPY: unlike Ethereum's without a price of their own."""
    size = frame.word(2)
    return _memory(frame, (frame.word(0), size)) + _COPY_WORD * _words(size)


def memory_copied(frame: Frame) -> int:
    """MCOPY, as TIP-651 has it."""
    size = frame.word(2)
    grown = _memory(frame, (frame.word(0), size), (frame.word(1), size))
    return VERY_LOW + grown + _COPY_WORD * _words(size)


def foreign_code_copied(frame: Frame) -> int:
    """EXTCODECOPY."""
    size = frame.word(3)
    return _EXT_CODE_COPY + _memory(frame, (frame.word(1), size)) + _COPY_WORD * _words(size)


def exponent(frame: Frame) -> int:
    """EXP."""
    return _EXP + _EXP_BYTE * ((frame.word(1).bit_length() + 7) // 8)


def logged(topics: int) -> Price:
    """LOG0 to LOG4."""

    def price(frame: Frame) -> int:
        size = frame.word(1)
        return _LOG + _LOG_TOPIC * topics + _memory(frame, (frame.word(0), size)) + _LOG_BYTE * size

    return price


def stored(frame: Frame) -> int:
    """SSTORE, which asks whether the slot was ever written, not whether it is zero."""
    before = frame.run.state.storage(frame.context, frame.word(0))
    value = frame.word(1)
    if before is None and value:
        return _SET_SSTORE
    return _CLEAR_SSTORE if before is not None and not value else _RESET_SSTORE


def created(frame: Frame) -> int:
    """CREATE: no price of the init code's length."""
    return _CREATE + _memory(frame, (frame.word(1), frame.word(2)))


def created_by_salt(frame: Frame) -> int:
    """CREATE2."""
    return created(frame) + _SHA3_WORD * _words(frame.word(2))


def _is_dead(frame: Frame, word: int) -> bool:
    return not frame.run.state.exists((word & ((1 << 160) - 1)).to_bytes(20, "big"))


def called(*, has_value: bool, may_create: bool, ranges_at: int) -> Price:
    """The calls; the energy that they hand on is not in it."""

    def price(frame: Frame) -> int:
        energy = _CALL
        if has_value and frame.word(2):
            energy += _VALUE_TRANSFER
            if may_create and _is_dead(frame, frame.word(1)):
                energy += _NEW_ACCOUNT
        given, answered = (
            (frame.word(ranges_at + place), frame.word(ranges_at + place + 1)) for place in (0, 2)
        )
        return energy + _memory(frame, given, answered)

    return price


def destroyed(frame: Frame) -> int:
    """SELFDESTRUCT."""
    return _SUICIDE + (_NEW_ACCOUNT if _is_dead(frame, frame.word(0)) else 0)
