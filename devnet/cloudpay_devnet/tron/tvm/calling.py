"""The calls (java-tron's Program.callToAddress and callToPrecompiledAddress)."""

from dataclasses import dataclass

from eth.vm.message import Message as FrameMessage
from eth_typing import Address

from cloudpay_devnet.tron.tvm import energy
from cloudpay_devnet.tron.tvm.environment import forbid_static, pop_address
from cloudpay_devnet.tron.tvm.failures import TransferFailed
from cloudpay_devnet.tron.tvm.frames import Frame
from cloudpay_devnet.tron.tvm.playing import play
from cloudpay_devnet.tron.tvm.precompiles import PRECOMPILES, answer
from cloudpay_devnet.tron.tvm.runs import Checkpoint

DEPTH_LIMIT = 64
_LONG_MAX = (1 << 63) - 1


@dataclass(frozen=True)
class _Call:
    """Whose code runs as whom."""

    target: bytes
    context: bytes
    sender: bytes
    seen_value: int  # what CALLVALUE answers
    value: int  # what moves, or with CALLCODE must at least be there
    energy: int
    is_static: bool


def call(frame: Frame) -> None:
    """CALL."""
    requested, target, value = frame.stack_pop1_int(), pop_address(frame), frame.stack_pop1_int()
    if value:
        forbid_static(frame)
    given = _hand_on(frame, requested, value)
    static = frame.msg.is_static
    _call(frame, _Call(target, target, frame.context, value, value, given, static))


def call_code(frame: Frame) -> None:
    """CALLCODE: the value stays where it is."""
    requested, target, value = frame.stack_pop1_int(), pop_address(frame), frame.stack_pop1_int()
    given = _hand_on(frame, requested, value)
    static = frame.msg.is_static
    _call(frame, _Call(target, frame.context, frame.context, value, value, given, static))


def call_token(frame: Frame) -> None:
    """CALLTOKEN: a call with TRC-10 tokens, of which nobody has any; a call without value goes through."""
    requested, target, value = frame.stack_pop1_int(), pop_address(frame), frame.stack_pop1_int()
    frame.stack_pop1_int()
    if value:
        forbid_static(frame)
        frame.stack_pop_ints(4)
        frame.energy_left += energy.STIPEND
        _refuse(frame, 0)
    else:
        given = _hand_on(frame, requested, 0)
        _call(frame, _Call(target, target, frame.context, 0, 0, given, frame.msg.is_static))


def delegate_call(frame: Frame) -> None:
    """DELEGATECALL."""
    requested, target = frame.stack_pop1_int(), pop_address(frame)
    given = _hand_on(frame, requested, 0)
    sender = bytes(frame.msg.sender)
    static = frame.msg.is_static
    _call(frame, _Call(target, frame.context, sender, frame.msg.value, 0, given, static))


def static_call(frame: Frame) -> None:
    """STATICCALL."""
    requested, target = frame.stack_pop1_int(), pop_address(frame)
    given = _hand_on(frame, requested, 0)
    _call(frame, _Call(target, target, frame.context, 0, 0, given, is_static=True))


def _hand_on(frame: Frame, requested: int, value: int) -> int:
    """Takes the callee's energy from the caller: all of it if asked for, unlike Ethereum's 63 of 64 parts."""
    given = min(requested, frame.energy_left)
    frame.energy_left -= given
    return given + (energy.STIPEND if value else 0)


def _refuse(frame: Frame, refunded: int) -> None:
    frame.energy_left += refunded
    frame.return_data = b""
    frame.stack_push_int(0)


def _call(frame: Frame, called: _Call) -> None:
    start, size, answer_start, answer_size = frame.stack_pop_ints(4)
    frame.extend_memory(start, size)
    frame.extend_memory(answer_start, answer_size)
    data = frame.memory_read_bytes(start, size)
    frame.return_data = b""
    if frame.msg.depth == DEPTH_LIMIT:
        _refuse(frame, called.energy)
        return
    if called.value > _LONG_MAX:
        frame.energy_left += called.energy
        raise TransferFailed("endowment out of long range")
    if frame.run.state.balance(frame.context) < called.value:
        _refuse(frame, called.energy)
        return
    checkpoint = Checkpoint.of(frame.run)
    if called.value and called.context is not frame.context:
        _move(frame, called)
    if called.target in PRECOMPILES:
        undone = _ask_precompile(frame, called, data, answer_start, answer_size)
    else:
        undone = _enter(frame, called, data, answer_start, answer_size)
    checkpoint.settle(frame.run, undone=undone)
    frame.stack_push_int(int(not undone))


def _move(frame: Frame, called: _Call) -> None:
    # java-tron compares the arrays, not what is in them: only CALLCODE and DELEGATECALL are let off (see _call).
    if called.context == frame.context:
        frame.energy_left += called.energy
        raise TransferFailed(
            "transfer trx failed: Validate InternalTransfer error, cannot transfer TRX to yourself."
        )
    frame.run.state.add_balance(frame.context, -called.value)
    frame.run.state.add_balance(called.context, called.value)


def _ask_precompile(frame: Frame, called: _Call, data: bytes, start: int, size: int) -> bool:
    used, output = answer(called.target, data)
    if output is None or used > called.energy:
        return True
    frame.energy_left += called.energy - used
    _take_answer(frame, output, start, size)
    return False


def _enter(frame: Frame, called: _Call, data: bytes, start: int, size: int) -> bool:
    run = frame.run
    since = len(run.internal)
    digest = run.record(frame.transaction_hash, frame.context, called.context, called.value, data, "call")
    code = run.state.code(called.target)
    if not code:
        frame.energy_left += called.energy
        return False
    message = FrameMessage(
        gas=called.energy,
        to=Address(called.context),
        sender=Address(called.sender),
        value=called.seen_value,
        data=data,
        code=code,
        depth=frame.msg.depth + 1,
        is_static=called.is_static,
    )
    child = Frame(run, message, digest)
    play(child)
    if child.undone:
        run.reject(since)
    else:
        frame.logs.extend(child.logs)
    # An exceptional end keeps the energy and answers nothing, also after a failed transfer.
    if child.failure is None:
        frame.energy_left += child.energy_left
        _take_answer(frame, child.output, start, size)
    return child.undone


def _take_answer(frame: Frame, output: bytes, start: int, size: int) -> None:
    kept = output[:size]
    frame.memory_write(start, len(kept), kept)
    frame.return_data = output
