"""What is asked of tokens, and the one call that moves them (TIP-20)."""

from eth_abi.exceptions import DecodingError
from tronpy.abi import trx_abi

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay_tron import calls
from cloudpay_tron.broadcasting import words
from cloudpay_tron.node import Node
from cloudpay_tron.wire import Trial

SELECTOR = bytes.fromhex("a9059cbb")
"""keccak256("transfer(address,uint256)")[:4], TIP-20."""
_BALANCE_OF = bytes.fromhex("70a08231")  # keccak256("balanceOf(address)")[:4]
_DECIMALS = bytes.fromhex("313ce567")  # keccak256("decimals()")[:4]
_ERROR = bytes.fromhex("08c379a0")  # keccak256("Error(string)")[:4], Solidity's ABI
_WORD_DIGITS = 64
_MOST_DECIMALS = 77


def transfer(recipient: str, amount: int) -> bytes:
    """Write the one call that tokens are sent by."""
    arguments: bytes = trx_abi.encode(["address", "uint256"], [recipient, amount])
    return SELECTOR + arguments


def text_of(raw: bytes) -> str:
    """Read the reason that a contract gave by Solidity's `require`; empty text where it gave none."""
    if raw[:4] != _ERROR:
        return ""
    try:
        [told] = trx_abi.decode(["string"], raw[4:])
    except (DecodingError, UnicodeDecodeError):
        return ""
    return str(told).replace("\0", "")[:200]


def balance(node: Node, contract: str, address: str, *, solid: bool = False) -> int | None:
    """Ask for a balance; None where the contract tells none."""
    return _number(
        node.ask(
            calls.trial(address, contract, _BALANCE_OF + trx_abi.encode(["address"], [address]), solid=solid)
        )
    )


def decimals(node: Node, contract: str) -> int | None:
    """Ask for a token's decimals; None where there is no token."""
    found = _number(node.ask(calls.trial(contract, contract, _DECIMALS)))
    return found if found is not None and found <= _MOST_DECIMALS else None


def _number(told: Trial) -> int | None:
    if told.failed:
        return None
    if not told.result.result:
        raise NodeFault(f"it could not ask a contract: {told.result.code} {words(told.result.message)}")
    if not told.constant_result:
        return None
    answer = told.constant_result[0][:_WORD_DIGITS]
    try:
        return int(answer, 16) if len(answer) == _WORD_DIGITS else None
    except ValueError:
        raise NodeFault(f"it wrote {answer[:60]!r} where bytes belong") from None
