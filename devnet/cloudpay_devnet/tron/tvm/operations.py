"""The opcodes that the main net has, but for staking and voting (java-tron's OperationRegistry and Op)."""

from collections.abc import Mapping
from functools import partial

from eth.vm.logic import (
    arithmetic,
    comparison,
    context,
    duplication,
    flow,
    logging,
    memory,
    sha3,
    stack,
    swap,
    system,
)

from cloudpay_devnet.tron.tvm import calling, creating, energy, environment
from cloudpay_devnet.tron.tvm.frames import Frame
from cloudpay_devnet.tron.tvm.operation import Operation


def _log(topics: int) -> Operation:
    def action(frame: Frame) -> None:
        environment.forbid_static(frame)
        logging.log_XX(frame, topics)

    return Operation(f"LOG{topics}", 2 + topics, 0, energy.logged(topics), action)


_COMPUTING = {
    0x00: Operation("STOP", 0, 0, energy.ZERO, flow.stop),
    0x01: Operation("ADD", 2, 1, energy.VERY_LOW, arithmetic.add),
    0x02: Operation("MUL", 2, 1, energy.LOW, arithmetic.mul),
    0x03: Operation("SUB", 2, 1, energy.VERY_LOW, arithmetic.sub),
    0x04: Operation("DIV", 2, 1, energy.LOW, arithmetic.div),
    0x05: Operation("SDIV", 2, 1, energy.LOW, arithmetic.sdiv),
    0x06: Operation("MOD", 2, 1, energy.LOW, arithmetic.mod),
    0x07: Operation("SMOD", 2, 1, energy.LOW, arithmetic.smod),
    0x08: Operation("ADDMOD", 3, 1, energy.MID, arithmetic.addmod),
    0x09: Operation("MULMOD", 3, 1, energy.MID, arithmetic.mulmod),
    0x0A: Operation("EXP", 2, 1, energy.exponent, partial(arithmetic.exp, gas_per_byte=0)),
    0x0B: Operation("SIGNEXTEND", 2, 1, energy.LOW, arithmetic.signextend),
    0x10: Operation("LT", 2, 1, energy.VERY_LOW, comparison.lt),
    0x11: Operation("GT", 2, 1, energy.VERY_LOW, comparison.gt),
    0x12: Operation("SLT", 2, 1, energy.VERY_LOW, comparison.slt),
    0x13: Operation("SGT", 2, 1, energy.VERY_LOW, comparison.sgt),
    0x14: Operation("EQ", 2, 1, energy.VERY_LOW, comparison.eq),
    0x15: Operation("ISZERO", 1, 1, energy.VERY_LOW, comparison.iszero),
    0x16: Operation("AND", 2, 1, energy.VERY_LOW, comparison.and_op),
    0x17: Operation("OR", 2, 1, energy.VERY_LOW, comparison.or_op),
    0x18: Operation("XOR", 2, 1, energy.VERY_LOW, comparison.xor),
    0x19: Operation("NOT", 1, 1, energy.VERY_LOW, comparison.not_op),
    0x1A: Operation("BYTE", 2, 1, energy.VERY_LOW, comparison.byte_op),
    0x1B: Operation("SHL", 2, 1, energy.VERY_LOW, arithmetic.shl),
    0x1C: Operation("SHR", 2, 1, energy.VERY_LOW, arithmetic.shr),
    0x1D: Operation("SAR", 2, 1, energy.VERY_LOW, arithmetic.sar),
    0x20: Operation("SHA3", 2, 1, energy.sha3, sha3.sha3),
}

_SURROUNDINGS = {
    0x30: Operation("ADDRESS", 0, 1, energy.BASE, context.address),
    0x31: Operation("BALANCE", 1, 1, energy.BALANCE, environment.balance),
    0x32: Operation("ORIGIN", 0, 1, energy.BASE, environment.origin),
    0x33: Operation("CALLER", 0, 1, energy.BASE, context.caller),
    0x34: Operation("CALLVALUE", 0, 1, energy.BASE, context.callvalue),
    0x35: Operation("CALLDATALOAD", 1, 1, energy.VERY_LOW, context.calldataload),
    0x36: Operation("CALLDATASIZE", 0, 1, energy.BASE, context.calldatasize),
    0x37: Operation("CALLDATACOPY", 3, 0, energy.copied, context.calldatacopy),
    0x38: Operation("CODESIZE", 0, 1, energy.BASE, context.codesize),
    0x39: Operation("CODECOPY", 3, 0, energy.copied, context.codecopy),
    0x3A: Operation("GASPRICE", 0, 1, energy.BASE, environment.zero),
    0x3B: Operation("EXTCODESIZE", 1, 1, energy.EXT_CODE_SIZE, environment.foreign_code_size),
    0x3C: Operation("EXTCODECOPY", 4, 0, energy.foreign_code_copied, environment.foreign_code_copy),
    0x3D: Operation("RETURNDATASIZE", 0, 1, energy.BASE, context.returndatasize),
    0x3E: Operation("RETURNDATACOPY", 3, 0, energy.copied, context.returndatacopy),
    0x3F: Operation("EXTCODEHASH", 1, 1, energy.EXT_CODE_HASH, environment.foreign_code_hash),
    0x40: Operation("BLOCKHASH", 1, 1, energy.EXT, environment.block_hash),
    0x41: Operation("COINBASE", 0, 1, energy.BASE, environment.coinbase),
    0x42: Operation("TIMESTAMP", 0, 1, energy.BASE, environment.timestamp),
    0x43: Operation("NUMBER", 0, 1, energy.BASE, environment.number),
    0x44: Operation("DIFFICULTY", 0, 1, energy.BASE, environment.zero),
    0x45: Operation("GASLIMIT", 0, 1, energy.BASE, environment.zero),
    0x46: Operation("CHAINID", 0, 1, energy.BASE, environment.chain_id),
    0x47: Operation("SELFBALANCE", 0, 1, energy.LOW, environment.own_balance),
    0x48: Operation("BASEFEE", 0, 1, energy.BASE, environment.base_fee),
}

_MEMORY_AND_FLOW = {
    0x50: Operation("POP", 1, 0, energy.BASE, stack.pop),
    0x51: Operation("MLOAD", 1, 1, energy.memory_access(32), memory.mload),
    0x52: Operation("MSTORE", 2, 0, energy.memory_access(32), memory.mstore),
    0x53: Operation("MSTORE8", 2, 0, energy.memory_access(1), memory.mstore8),
    0x54: Operation("SLOAD", 1, 1, energy.SLOAD, environment.load),
    0x55: Operation("SSTORE", 2, 0, energy.stored, environment.store),
    0x56: Operation("JUMP", 1, 0, energy.MID, flow.jump),
    0x57: Operation("JUMPI", 2, 0, energy.HIGH, flow.jumpi),
    0x58: Operation("PC", 0, 1, energy.BASE, flow.program_counter),
    0x59: Operation("MSIZE", 0, 1, energy.BASE, memory.msize),
    0x5A: Operation("GAS", 0, 1, energy.BASE, flow.gas),
    0x5B: Operation("JUMPDEST", 0, 0, energy.SPECIAL, flow.jumpdest),
    0x5C: Operation("TLOAD", 1, 1, energy.TLOAD, environment.load_transient),
    0x5D: Operation("TSTORE", 2, 0, energy.TSTORE, environment.store_transient),
    0x5E: Operation("MCOPY", 3, 0, energy.memory_copied, memory.mcopy),
    0x5F: Operation("PUSH0", 0, 1, energy.BASE, stack.push0),
}

_STACK = {
    **{
        0x5F + size: Operation(f"PUSH{size}", 0, 1, energy.VERY_LOW, getattr(stack, f"push{size}"))
        for size in range(1, 33)
    },
    **{
        0x7F + place: Operation(
            f"DUP{place}", place, place + 1, energy.VERY_LOW, getattr(duplication, f"dup{place}")
        )
        for place in range(1, 17)
    },
    **{
        0x8F + place: Operation(
            f"SWAP{place}", place + 1, place + 1, energy.VERY_LOW, getattr(swap, f"swap{place}")
        )
        for place in range(1, 17)
    },
    **{0xA0 + topics: _log(topics) for topics in range(5)},
}

_CALL = energy.called(has_value=True, may_create=True, ranges_at=3)
_CALL_TOKEN = energy.called(has_value=True, may_create=True, ranges_at=4)
_CALL_CODE = energy.called(has_value=True, may_create=False, ranges_at=3)
_CALL_WITHOUT_VALUE = energy.called(has_value=False, may_create=False, ranges_at=2)

_CONTRACTS = {
    0xD0: Operation("CALLTOKEN", 8, 1, _CALL_TOKEN, calling.call_token),
    0xD1: Operation("TOKENBALANCE", 2, 1, energy.BALANCE, environment.token_balance),
    0xD2: Operation("CALLTOKENVALUE", 0, 1, energy.BASE, environment.zero),
    0xD3: Operation("CALLTOKENID", 0, 1, energy.BASE, environment.zero),
    0xD4: Operation("ISCONTRACT", 1, 1, energy.BALANCE, environment.is_contract),
    0xF0: Operation("CREATE", 3, 1, energy.created, creating.create),
    0xF1: Operation("CALL", 7, 1, _CALL, calling.call),
    0xF2: Operation("CALLCODE", 7, 1, _CALL_CODE, calling.call_code),
    0xF3: Operation("RETURN", 2, 0, energy.returned, system.return_op),
    0xF4: Operation("DELEGATECALL", 6, 1, _CALL_WITHOUT_VALUE, calling.delegate_call),
    0xF5: Operation("CREATE2", 4, 1, energy.created_by_salt, creating.create_by_salt),
    0xFA: Operation("STATICCALL", 6, 1, _CALL_WITHOUT_VALUE, calling.static_call),
    0xFD: Operation("REVERT", 2, 0, energy.returned, system.revert),
    0xFF: Operation("SUICIDE", 1, 0, energy.destroyed, creating.destroy),
}

OPERATIONS: Mapping[int, Operation] = _COMPUTING | _SURROUNDINGS | _MEMORY_AND_FLOW | _STACK | _CONTRACTS
