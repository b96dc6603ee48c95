"""What nodes do to transactions that are handed to them, beside taking them in and saying so."""

from dataclasses import dataclass
from typing import ClassVar

from cloudpay_devnet.faultproxy.values import HANG_UP, Ask, Fault, JsonAnswer, JsonCall, Raw, error, result

_HAND_OVER = "eth_sendRawTransaction"


@dataclass
class LostAnswers(Fault):
    """What was asked is done, and the connection ends before the answer: a timeout though it was accepted."""

    name: ClassVar[str] = "lost_answers"

    def response(self, raw: Raw) -> Raw:
        """Hang up."""
        return HANG_UP


@dataclass
class SwallowedTransactions(Fault):
    """A transaction is taken in with its true hash and forgotten: a full mempool, a balancer's node that restarts."""

    name: ClassVar[str] = "swallowed_transactions"

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Answer the hash, which is all that the node would have known."""
        if call["method"] != _HAND_OVER:
            return ask(call)
        from eth_utils.crypto import keccak

        return result(call, "0x" + keccak(hexstr=call["params"][0]).hex())


@dataclass
class RefusedTransactions(Fault):
    """A transaction is refused in these words; with `taken` the node has taken it in all the same."""

    name: ClassVar[str] = "refused_transactions"
    words: str = "nonce too low"
    taken: bool = False

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Refuse it."""
        if call["method"] != _HAND_OVER:
            return ask(call)
        if self.taken:
            ask(call)
        return error(call, -32000, self.words)
