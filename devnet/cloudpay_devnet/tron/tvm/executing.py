"""The entry: one message against a state (java-tron's VMActuator)."""

from eth.vm.message import Message as FrameMessage
from eth_typing import Address

from cloudpay_devnet.tron.state import State
from cloudpay_devnet.tron.tvm.creating import found
from cloudpay_devnet.tron.tvm.frames import Frame
from cloudpay_devnet.tron.tvm.messages import Block, Message
from cloudpay_devnet.tron.tvm.operations import OPERATIONS
from cloudpay_devnet.tron.tvm.outcomes import Outcome, Result
from cloudpay_devnet.tron.tvm.playing import play
from cloudpay_devnet.tron.tvm.runs import Run


def execute(state: State, message: Message, block: Block) -> Outcome:
    """Runs a message. The node checks before that the caller holds the value and that a called contract exists.

    Raises BalanceTooLow where the caller does not, with the state as it was.
    """
    run = Run(state, message, block, OPERATIONS)
    token = state.snapshot()
    try:
        frame = _frame(run)
        if message.value:
            state.add_balance(message.caller, -message.value)
        if message.to is None:
            found(frame)
        else:
            if message.value:
                state.add_balance(message.to, message.value)
            play(frame)
    except BaseException:
        state.rollback(token)
        raise
    if frame.undone:
        run.reject(0)
    if frame.undone or message.constant:
        state.rollback(token)
    else:
        _tidy(run)
        state.commit(token)
    return _outcome(run, frame)


def _frame(run: Run) -> Frame:
    message = run.message
    address = message.contract_address if message.to is None else message.to
    if address is None:
        raise ValueError("A message that creates a contract needs the contract's address.")
    frame_message = FrameMessage(
        gas=message.energy_limit,
        to=Address(address),
        sender=Address(message.caller),
        value=message.value,
        data=b"" if message.to is None else message.data,
        code=message.data if message.to is None else run.state.code(address),
    )
    return Frame(run, frame_message, message.transaction_id)


def _tidy(run: Run) -> None:
    for address, slot in run.cleared:
        if run.state.storage(address, slot) == 0:
            run.state.set_storage(address, slot, None)
    for address in run.destroyed:
        run.state.delete(address)


def _outcome(run: Run, frame: Frame) -> Outcome:
    result = frame.failure or (Result.REVERT if frame.reverted else Result.SUCCESS)
    created = frame.context if run.message.to is None and not frame.undone else None
    return Outcome(
        result=result,
        energy_used=run.message.energy_limit - frame.energy_left,
        energy_penalty=run.penalty,
        output=frame.output,
        logs=() if frame.undone else tuple(frame.logs),
        internal=tuple(run.internal),
        created_address=created,
        error=frame.reason,
    )
