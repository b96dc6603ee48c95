"""The loop: fetch, check the stack, charge, do."""

from eth.exceptions import Halt, Revert, VMError

from cloudpay_devnet.tron.tvm.failures import (
    FrameFailed,
    IllegalOperation,
    StackTooLarge,
    StackTooSmall,
    result_of,
)
from cloudpay_devnet.tron.tvm.frames import Frame

_STACK_LIMIT = 1024


def play(frame: Frame) -> None:
    """Runs a frame to its end, which the frame then tells (java-tron's VM.play)."""
    try:
        _run(frame)
    except Halt:
        pass
    except Revert:
        frame.reverted = True
        frame.reason = "REVERT opcode executed"
    except (FrameFailed, VMError) as failure:
        frame.fail(failure, result_of(failure))


def _run(frame: Frame) -> None:
    operations = frame.run.operations
    for opcode in frame.code:
        operation = operations.get(opcode)
        if operation is None:
            raise IllegalOperation(f"Invalid operation code: opCode[{opcode:02x}];")
        name, takes, leaves, price, action = operation
        size = frame.stack_size()
        if size < takes:
            raise StackTooSmall(f"Expected stack size {takes} but actual {size};")
        if size - takes + leaves > _STACK_LIMIT:
            raise StackTooLarge(f"Expected: overflow {_STACK_LIMIT} elements stack limit")
        frame.charge(name, price if isinstance(price, int) else price(frame))
        action(frame)
