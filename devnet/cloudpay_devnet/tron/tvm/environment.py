"""Operations that ask the state and the block."""

from eth_utils.crypto import keccak

from cloudpay_devnet.tron.tvm.failures import StaticViolation
from cloudpay_devnet.tron.tvm.frames import Frame

_PAST_BLOCKS = 256


def forbid_static(frame: Frame) -> None:
    """Raises StaticViolation inside a STATICCALL."""
    if frame.msg.is_static:
        raise StaticViolation("Attempt to call a state modifying opcode inside STATICCALL")


def pop_address(frame: Frame) -> bytes:
    """The topmost word as an address."""
    word: int = frame.stack_pop1_int()
    return (word & ((1 << 160) - 1)).to_bytes(20, "big")


def balance(frame: Frame) -> None:
    """BALANCE."""
    frame.stack_push_int(frame.run.state.balance(pop_address(frame)))


def own_balance(frame: Frame) -> None:
    """SELFBALANCE."""
    frame.stack_push_int(frame.run.state.balance(frame.context))


def origin(frame: Frame) -> None:
    """ORIGIN."""
    frame.stack_push_bytes(frame.run.message.origin)


def zero(frame: Frame) -> None:
    """GASPRICE, DIFFICULTY, GASLIMIT, CALLTOKENVALUE and CALLTOKENID: nothing of it is here."""
    frame.stack_push_int(0)


def foreign_code_size(frame: Frame) -> None:
    """EXTCODESIZE."""
    frame.stack_push_int(len(frame.run.state.code(pop_address(frame))))


def foreign_code_copy(frame: Frame) -> None:
    """EXTCODECOPY."""
    code = frame.run.state.code(pop_address(frame))
    to, start, size = frame.stack_pop_ints(3)
    frame.extend_memory(to, size)
    frame.memory_write(to, size, code[start : start + size].ljust(size, b"\x00"))


def foreign_code_hash(frame: Frame) -> None:
    """EXTCODEHASH."""
    address = pop_address(frame)
    exists = frame.run.state.exists(address)
    frame.stack_push_bytes(keccak(frame.run.state.code(address)) if exists else b"")


def is_contract(frame: Frame) -> None:
    """ISCONTRACT, TRON's own."""
    frame.stack_push_int(int(frame.run.state.is_contract(pop_address(frame))))


def token_balance(frame: Frame) -> None:
    """TOKENBALANCE: nobody holds TRC-10 tokens here."""
    frame.stack_pop_ints(2)
    frame.stack_push_int(0)


def block_hash(frame: Frame) -> None:
    """BLOCKHASH."""
    number = frame.stack_pop1_int()
    block = frame.run.block
    known = max(_PAST_BLOCKS, block.number) - _PAST_BLOCKS <= number < block.number
    frame.stack_push_bytes(block.block_hash(number) if known else b"")


def coinbase(frame: Frame) -> None:
    """COINBASE."""
    frame.stack_push_bytes(frame.run.block.coinbase)


def timestamp(frame: Frame) -> None:
    """TIMESTAMP."""
    frame.stack_push_int(frame.run.block.timestamp)


def number(frame: Frame) -> None:
    """NUMBER."""
    frame.stack_push_int(frame.run.block.number)


def chain_id(frame: Frame) -> None:
    """CHAINID."""
    frame.stack_push_int(frame.run.block.chain_id)


def base_fee(frame: Frame) -> None:
    """BASEFEE: the price of energy in sun."""
    frame.stack_push_int(frame.run.block.energy_price)


def load(frame: Frame) -> None:
    """SLOAD."""
    frame.stack_push_int(frame.run.state.storage(frame.context, frame.stack_pop1_int()) or 0)


def store(frame: Frame) -> None:
    """SSTORE."""
    forbid_static(frame)
    slot, value = frame.stack_pop_ints(2)
    if not value:
        frame.run.cleared.add((frame.context, slot))
    frame.run.state.set_storage(frame.context, slot, value)


def load_transient(frame: Frame) -> None:
    """TLOAD."""
    frame.stack_push_int(frame.run.transient.get((frame.context, frame.stack_pop1_int()), 0))


def store_transient(frame: Frame) -> None:
    """TSTORE."""
    forbid_static(frame)
    slot, value = frame.stack_pop_ints(2)
    frame.run.transient[frame.context, slot] = value
