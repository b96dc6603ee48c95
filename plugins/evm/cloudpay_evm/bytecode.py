"""A program for the EVM that reads many balances in one eth_call, without any contract on the chain.

It is sent as the code of a contract to be created (no `to`), the addresses behind it, 20 bytes each. A node runs it,
stores nothing, and answers what it returns: 16 bytes with the number of addresses, then 16 bytes for each balance.
A balance that needs more bytes makes it revert. Opcodes as in the yellow paper, appendix H; none is newer than
Constantinople (EIP-145), so that every chain knows them.
"""

from collections.abc import Sequence

from cloudpay_evm.wire import octets

_OPCODES = {
    "ADD": 0x01, "SUB": 0x03, "DIV": 0x04, "LT": 0x10, "ISZERO": 0x15, "SHL": 0x1B, "SHR": 0x1C,
    "BALANCE": 0x31, "CODESIZE": 0x38, "CODECOPY": 0x39, "POP": 0x50, "MLOAD": 0x51, "MSTORE": 0x52,
    "JUMP": 0x56, "JUMPI": 0x57, "JUMPDEST": 0x5B, "PUSH1": 0x60, "DUP1": 0x80, "DUP2": 0x81, "DUP3": 0x82,
    "SWAP1": 0x90, "RETURN": 0xF3, "REVERT": 0xFD,
}  # fmt: skip

ADDRESS_BYTES, AMOUNT_BYTES = 20, 16

_PROGRAM = """
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


READ_BALANCES = assemble(_PROGRAM)


def question(addresses: Sequence[str]) -> str:
    """Write the program with these addresses behind it, as the `data` of an eth_call."""
    return "0x" + READ_BALANCES.hex() + "".join(address[2:].lower() for address in addresses)


def answer(data: str, count: int) -> list[int] | None:
    """Read the balances in base units; None when this is no answer of the program to so many. Raises `NodeFault`."""
    raw = octets(data)
    if len(raw) != AMOUNT_BYTES * (count + 1):
        return None
    told, *amounts = (int.from_bytes(raw[at : at + AMOUNT_BYTES]) for at in range(0, len(raw), AMOUNT_BYTES))
    return amounts if told == count else None
