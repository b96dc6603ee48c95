"""The exceptional ends of a frame, and what java-tron calls them."""

from eth.exceptions import InvalidInstruction, InvalidJumpDestination, VMError

from cloudpay_devnet.tron.tvm.outcomes import Result


class FrameFailed(Exception):
    """A frame ends here, and what it did is undone."""

    result = Result.UNKNOWN


class OutOfEnergy(FrameFailed):
    """The frame's energy does not suffice for its next operation."""

    result = Result.OUT_OF_ENERGY


class OutOfMemory(FrameFailed):
    """An operation asked for more than 3 MB."""

    result = Result.OUT_OF_MEMORY


class StackTooSmall(FrameFailed):
    """An operation found fewer words than it takes."""

    result = Result.STACK_TOO_SMALL


class StackTooLarge(FrameFailed):
    """More than 1,024 words."""

    result = Result.STACK_TOO_LARGE


class IllegalOperation(FrameFailed):
    """No operation has this code."""

    result = Result.ILLEGAL_OPERATION


class InvalidCode(FrameFailed):
    """A contract's code begins with 0xEF (EIP-3541)."""

    result = Result.INVALID_CODE


class TransferFailed(FrameFailed):
    """Coins could not be moved; the only failure that leaves the frame's energy alone (java-tron's VM.play)."""

    result = Result.TRANSFER_FAILED


class StaticViolation(FrameFailed):
    """A STATICCALL tried to change something; java-tron has no name of its own for it."""


def result_of(failure: FrameFailed | VMError) -> Result:
    """The name of a failure, ours or py-evm's (java-tron's RuntimeImpl.setResultCode)."""
    if isinstance(failure, FrameFailed):
        return failure.result
    # Only jumps raise the second one: into the data of a PUSH.
    if isinstance(failure, (InvalidJumpDestination, InvalidInstruction)):
        return Result.BAD_JUMP_DESTINATION
    return Result.UNKNOWN
