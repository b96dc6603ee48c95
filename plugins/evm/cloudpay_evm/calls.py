"""JSON-RPC calls and the answers to them."""

import re
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from cloudpay_evm.errors import NodeFault, Refused
from cloudpay_evm.wire import AMOUNT, BLOCK, FULL_BLOCK, KNOWN, RECEIPT, Block, FullBlock, Known, Receipt

Answer = TypeVar("Answer")

_OVERLOADED = re.compile(
    r"rate.?limit|too many requests|request limit|requests? per|request count|quota|throttl|capacity|compute units"
    r"|overload|try again later|temporar",
    re.IGNORECASE,
)
_OVERLOADED_CODES = {429, -32029}
# What geth says to each call of a batch whose answer, as a whole, became too large or took too long.
_CUT_OFF = re.compile(r"response (is )?too (large|big)|request timed out", re.IGNORECASE)


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """A method with its parameters, and how its result is read."""

    method: str
    params: tuple[Any, ...]
    decoder: Decoder[Answer]

    @property
    def kind(self) -> str:
        """What its answer's weight depends on: the method, and whether a block comes with its transactions."""
        return f"{self.method} in full" if self.params[-1:] == (True,) else self.method

    def read(self, result: msgspec.Raw) -> Answer:
        """Read a result; raises `NodeFault` when it has another shape."""
        try:
            return self.decoder.decode(result)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NodeFault(
                f"its answer to {self.method} has another shape than the standard's ({error})"
            ) from error


class RpcError(Struct):
    """The error object of an answer; its `data` is text where a contract reverted, and of any shape else."""

    code: int = 0
    message: str = ""
    data: msgspec.Raw = msgspec.Raw()

    @property
    def octets(self) -> str:
        """The data where it is one text, as what a contract gave is."""
        try:
            return msgspec.json.decode(self.data, type=str)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""


class Envelope(Struct):
    """One answer as it comes: `result` stays unread until its call is known."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: RpcError | None = None

    @property
    def is_cut_off(self) -> bool:
        """Whether the call may be answered when it is asked with fewer others."""
        return self.error is not None and _CUT_OFF.search(self.error.message) is not None

    def refusal(self, method: str) -> Refused | None:
        """Answer the node's own error; raises `NodeFault` when it says that the node is overloaded or broken."""
        if self.error is None:
            return None
        if self.error.code in _OVERLOADED_CODES or _OVERLOADED.search(self.error.message):
            raise NodeFault(f"it is limited or overloaded ({self.error.code}: {self.error.message[:120]})")
        return Refused(method, self.error.code, self.error.message, self.error.octets)


CHAIN_ID: Call[str] = Call("eth_chainId", (), AMOUNT)
FIRST_BLOCK: Call[Block | None] = Call("eth_getBlockByNumber", ("0x0", False), BLOCK)


def block_at(height: int | str) -> Call[Block | None]:
    """Ask for a header by height or tag."""
    return Call("eth_getBlockByNumber", (_tag(height), False), BLOCK)


def full_block_at(height: int | str) -> Call[FullBlock | None]:
    """Ask for a block with its transactions."""
    return Call("eth_getBlockByNumber", (_tag(height), True), FULL_BLOCK)


def receipt_of(tx_id: str) -> Call[Receipt | None]:
    """Ask for a receipt."""
    return Call("eth_getTransactionReceipt", (tx_id,), RECEIPT)


def transaction(tx_id: str) -> Call[Known | None]:
    """Ask whether a transaction is known."""
    return Call("eth_getTransactionByHash", (tx_id,), KNOWN)


def _tag(height: int | str) -> str:
    return hex(height) if isinstance(height, int) else height
