"""Contracts that come and go: CREATE, CREATE2 and SELFDESTRUCT (java-tron's Program)."""

from eth.exceptions import Halt
from eth.vm.message import Message as FrameMessage
from eth_typing import Address
from eth_utils.crypto import keccak

from cloudpay_devnet.tron.tvm import energy
from cloudpay_devnet.tron.tvm.calling import DEPTH_LIMIT
from cloudpay_devnet.tron.tvm.environment import forbid_static, pop_address
from cloudpay_devnet.tron.tvm.failures import InvalidCode, OutOfEnergy
from cloudpay_devnet.tron.tvm.frames import Frame
from cloudpay_devnet.tron.tvm.outcomes import Result
from cloudpay_devnet.tron.tvm.playing import play
from cloudpay_devnet.tron.tvm.runs import Checkpoint

_RESERVED = b"\xef"  # EIP-3541


def create(frame: Frame) -> None:
    """CREATE."""
    forbid_static(frame)
    value, start, size = frame.stack_pop_ints(3)
    run = frame.run
    address = keccak(run.message.transaction_id + run.nonce.to_bytes(8, "big"))[12:]
    _create(frame, value, _init_code(frame, start, size), address)


def create_by_salt(frame: Frame) -> None:
    """CREATE2."""
    forbid_static(frame)
    value, start, size, salt = frame.stack_pop_ints(4)
    code = _init_code(frame, start, size)
    digest = keccak(b"\x41" + frame.context + salt.to_bytes(32, "big") + keccak(code))
    _create(frame, value, code, digest[12:])


def _init_code(frame: Frame, start: int, size: int) -> bytes:
    frame.extend_memory(start, size)
    return frame.memory_read_bytes(start, size)


def _create(frame: Frame, value: int, code: bytes, address: bytes) -> None:
    run = frame.run
    frame.return_data = b""
    if frame.msg.depth == DEPTH_LIMIT or run.state.balance(frame.context) < value:
        frame.stack_push_int(0)
        return
    given, frame.energy_left = frame.energy_left, 0
    since = len(run.internal)
    digest = run.record(frame.transaction_hash, frame.context, address, value, code, "create")
    if run.state.is_contract(address):
        run.reject(since)
        frame.stack_push_int(0)
        return
    checkpoint = Checkpoint.of(run)
    run.state.add_balance(frame.context, -value)
    message = FrameMessage(
        gas=given,
        to=Address(address),
        sender=Address(frame.context),
        value=value,
        data=b"",
        code=code,
        depth=frame.msg.depth + 1,
    )
    child = Frame(run, message, digest)
    found(child)
    checkpoint.settle(run, undone=child.undone)
    if child.undone:
        run.reject(since)
        frame.return_data = child.output
        frame.stack_push_int(0)
    else:
        frame.logs.extend(child.logs)
        frame.stack_push_bytes(address)
    if child.failure is None:
        frame.energy_left += child.energy_left


def found(frame: Frame) -> None:
    """Runs a frame's init code and keeps what it answers as the contract's code; the value is taken already."""
    state = frame.run.state
    state.add_balance(frame.context, frame.msg.value)
    state.set_code(frame.context, b"")
    frame.run.created.add(frame.context)
    play(frame)
    if frame.undone:
        return
    code = frame.output
    price = energy.CODE_BYTE * len(code)
    if code.startswith(_RESERVED):
        frame.fail(InvalidCode("invalid code: must not begin with 0xef"), Result.INVALID_CODE)
    elif price > frame.energy_left:
        failure = OutOfEnergy(
            f"No energy to save just created contract code: energy[{frame.energy_left}], needed[{price}]"
        )
        frame.fail(failure, Result.OUT_OF_ENERGY)
    else:
        frame.energy_left -= price
        state.set_code(frame.context, code)


def destroy(frame: Frame) -> None:
    """SELFDESTRUCT: since proposal 94 only a contract of this very transaction goes, of others only the coins."""
    forbid_static(frame)
    run, owner, heir = frame.run, frame.context, pop_address(frame)
    value = run.state.balance(owner)
    run.record(frame.transaction_hash, owner, heir, value, b"", "suicide")
    if heir != owner:
        run.state.add_balance(owner, -value)
        run.state.add_balance(heir, value)
    if owner in run.created:
        run.destroyed.add(owner)
    raise Halt("SELFDESTRUCT")
