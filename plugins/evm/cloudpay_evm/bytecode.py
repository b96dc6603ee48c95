"""Programs for the EVM that read many balances in one eth_call, without any contract of ours on the chain.

A program is sent as the code of a contract to be created (no `to`), the addresses behind it, 20 bytes each. A node runs
it, stores nothing, and answers what it returns: 16 bytes with the number of holders, then 16 bytes for each balance.
A native balance that needs more bytes makes the program revert; in place of a token's stand all ones, as where the
token did not answer for this holder. Opcodes as in the yellow paper, appendix H; none is newer than Constantinople
(EIP-145), so that every chain knows them.
"""

from collections.abc import Sequence

from cloudpay_evm.wire import octets

_OPCODES = {
    "ADD": 0x01, "SUB": 0x03, "DIV": 0x04, "LT": 0x10, "GT": 0x11, "ISZERO": 0x15, "AND": 0x16, "OR": 0x17,
    "SHL": 0x1B, "SHR": 0x1C, "BALANCE": 0x31, "CODESIZE": 0x38, "CODECOPY": 0x39, "RETURNDATASIZE": 0x3D,
    "POP": 0x50, "MLOAD": 0x51, "MSTORE": 0x52, "JUMP": 0x56, "JUMPI": 0x57, "JUMPDEST": 0x5B,
    "PUSH1": 0x60, "PUSH3": 0x62, "PUSH4": 0x63, "DUP1": 0x80, "DUP2": 0x81, "DUP3": 0x82, "SWAP1": 0x90,
    "RETURN": 0xF3, "STATICCALL": 0xFA, "REVERT": 0xFD,
}  # fmt: skip

ADDRESS_BYTES, AMOUNT_BYTES = 20, 16
_UNTOLD = 2 ** (8 * AMOUNT_BYTES) - 1

_COINS = """
    PUSH1 :end  CODESIZE SUB  PUSH1 20 SWAP1 DIV           # how many addresses stand behind the code
    PUSH1 128 SHL  PUSH1 32 MSTORE                         # begins the answer, from byte 32 of the memory on
    PUSH1 48  PUSH1 :end                                   # where the next balance goes, where the next address stands
  next:
    JUMPDEST
    CODESIZE DUP2 LT ISZERO  PUSH1 :done JUMPI             # until the end of the code
    PUSH1 20 DUP2 PUSH1 12 CODECOPY                        # an address is the end of a word
    PUSH1 0 MLOAD BALANCE
    DUP1 PUSH1 128 SHR  PUSH1 :large JUMPI
    PUSH1 128 SHL DUP3 MSTORE                              # the half word behind it is overwritten by the next
    PUSH1 20 ADD  SWAP1 PUSH1 16 ADD SWAP1
    PUSH1 :next JUMP
  done:
    JUMPDEST
    POP  PUSH1 32 SWAP1 SUB  PUSH1 32 RETURN
  large:
    JUMPDEST
    PUSH1 0 PUSH1 0 REVERT
  end:
"""

# The memory: the question (selector and holder) in bytes 28 to 63, the token in word 64, its answer in word 96.
_TOKENS = """
    PUSH1 20 PUSH1 :end PUSH1 76 CODECOPY                  # the token's address stands first behind the code
    PUSH4 112 160 130 49  PUSH1 0 MSTORE                   # balanceOf(address) is 70a08231
    PUSH1 1  PUSH1 20 PUSH1 :end CODESIZE SUB DIV  SUB     # how many holders stand behind it
    PUSH1 128 SHL  PUSH1 128 MSTORE                        # begins the answer, from byte 128 of the memory on
    PUSH1 144  PUSH1 20 PUSH1 :end ADD                     # where the next balance goes, where the next holder stands
  next:
    JUMPDEST
    CODESIZE DUP2 LT ISZERO  PUSH1 :done JUMPI             # until the end of the code
    PUSH1 20 DUP2 PUSH1 44 CODECOPY
    PUSH1 32 PUSH1 96 PUSH1 36 PUSH1 28 PUSH1 64 MLOAD     # 100,000 gas, so that one that burns all burns no more
    PUSH3 1 134 160 STATICCALL
    PUSH1 31 RETURNDATASIZE GT AND                         # it answered, with a word,
    PUSH1 96 MLOAD PUSH1 128 SHR ISZERO AND                # which has no more than 16 bytes,
    PUSH1 1 SWAP1 SUB  PUSH1 96 MLOAD OR                   # or it is all ones: nought less one
    PUSH1 128 SHL DUP3 MSTORE
    PUSH1 20 ADD  SWAP1 PUSH1 16 ADD SWAP1
    PUSH1 :next JUMP
  done:
    JUMPDEST
    POP  PUSH1 128 SWAP1 SUB  PUSH1 128 RETURN
  end:
"""


def assemble(program: str) -> bytes:
    """Translate opcodes, numbers of one byte, `label:` and `:label` into bytes; `#` begins a comment."""
    words = [word for line in program.splitlines() for word in line.partition("#")[0].split()]
    labels: dict[str, int] = {}
    at = 0
    for word in words:
        if word.endswith(":"):
            labels[word[:-1]] = at
        else:
            at += 1
    return bytes(_byte(word, labels) for word in words if not word.endswith(":"))


def _byte(word: str, labels: dict[str, int]) -> int:
    if word.startswith(":"):
        return labels[word[1:]]
    return int(word) if word.isdigit() else _OPCODES[word]


READ_COINS = assemble(_COINS)
READ_TOKENS = assemble(_TOKENS)


def question(contract: str | None, addresses: Sequence[str]) -> str:
    """Write the program for a token, or for native coins, with these addresses behind it: the `data` of an eth_call."""
    program, behind = (READ_COINS, addresses) if contract is None else (READ_TOKENS, [contract, *addresses])
    return "0x" + program.hex() + "".join(address[2:].lower() for address in behind)


def answer(data: str, count: int) -> list[int | None] | None:
    """Read balances in base units; None in the place of one that it did not tell, or that is too large for it.

    None altogether when this is no answer of a program to so many. Raises `NodeFault`.
    """
    raw = octets(data)
    if len(raw) != AMOUNT_BYTES * (count + 1):
        return None
    told, *amounts = (int.from_bytes(raw[at : at + AMOUNT_BYTES]) for at in range(0, len(raw), AMOUNT_BYTES))
    return [None if each == _UNTOLD else each for each in amounts] if told == count else None
