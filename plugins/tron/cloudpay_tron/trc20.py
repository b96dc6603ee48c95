"""The two questions that are asked of tokens (TIP-20)."""

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay_tron import calls
from cloudpay_tron.broadcasting import words
from cloudpay_tron.forms import to_word
from cloudpay_tron.node import Node
from cloudpay_tron.wire import Trial

_BALANCE_OF = bytes.fromhex("70a08231")  # keccak256("balanceOf(address)")[:4]
_DECIMALS = bytes.fromhex("313ce567")  # keccak256("decimals()")[:4]
_WORD_DIGITS = 64
_MOST_DECIMALS = 77


def balance(node: Node, contract: str, address: str, *, solid: bool = False) -> int | None:
    """Ask for a balance; None where the contract tells none."""
    return _number(node.ask(calls.trial(address, contract, _BALANCE_OF + to_word(address), solid=solid)))


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
