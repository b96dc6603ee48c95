"""Many balances by one call: a program that is run as if it were to be deployed, and of which nothing is kept.

`triggerconstantcontract` without a contract runs its `data` and answers what it returns. The program asks for each
balance in turn and writes what it is told behind a word of its own, by which its answer is known.
"""

from collections.abc import Sequence

from cloudpay.chains.types import Holding
from cloudpay_tron.forms import address_bytes

_BALANCE_OF = bytes.fromhex("70a08231")  # keccak256("balanceOf(address)")[:4]
_MARK = 0x545257  # never 0xef first, which no deployed code may begin with
_WORD = 32
_ARGUMENT_AT, _ARGUMENTS = 4, 36
_RESULTS_AT = 0x40
_PUSH1, _PUSH2, _PUSH20 = b"\x60", b"\x61", b"\x73"
_MSTORE, _BALANCE, _STATICCALL, _GAS = b"\x52", b"\x31", b"\xfa", b"\x5a"
_RETURNDATASIZE, _LT, _AND, _RETURN = b"\x3d", b"\x10", b"\x16", b"\xf3"


def question(holdings: Sequence[Holding]) -> bytes:
    """Write the program: a word for each balance of TRX, two for each of a token (what it said, and whether it did)."""
    code = b"\x63" + _BALANCE_OF + _PUSH1 + b"\xe0" + b"\x1b" + _put(0)  # PUSH4, shifted left by 224
    code += b"\x62" + _MARK.to_bytes(3) + _put(_RESULTS_AT)
    place = _RESULTS_AT + _WORD
    for holding in holdings:
        owner = _PUSH20 + address_bytes(holding.address)[1:]
        if holding.contract is None:
            code += owner + _BALANCE + _put(place)
            place += _WORD
            continue
        code += owner + _put(_ARGUMENT_AT)
        code += _PUSH1 + bytes([_WORD]) + _PUSH2 + place.to_bytes(2)
        code += _PUSH1 + bytes([_ARGUMENTS]) + _PUSH1 + b"\0"
        code += _PUSH20 + address_bytes(holding.contract)[1:] + _GAS + _STATICCALL
        code += _RETURNDATASIZE + _PUSH1 + bytes([_WORD - 1]) + _LT + _AND + _put(place + _WORD)
        place += 2 * _WORD
    return code + _PUSH2 + (place - _RESULTS_AT).to_bytes(2) + _PUSH1 + bytes([_RESULTS_AT]) + _RETURN


def answer(told: str, holdings: Sequence[Holding]) -> list[int | None] | None:
    """Read what it returned; None for a balance that a contract did not tell, and for all where it was not run."""
    try:
        raw = bytes.fromhex(told)
    except ValueError:
        return None
    words = [int.from_bytes(raw[at : at + _WORD]) for at in range(0, len(raw), _WORD)]
    wanted = 1 + sum(1 if each.contract is None else 2 for each in holdings)
    if len(raw) != wanted * _WORD or words[0] != _MARK:
        return None
    found: list[int | None] = []
    rest = iter(words[1:])
    for holding in holdings:
        amount = next(rest)
        found.append(amount if holding.contract is None or next(rest) else None)
    return found


def _put(place: int) -> bytes:
    return _PUSH2 + place.to_bytes(2) + _MSTORE
