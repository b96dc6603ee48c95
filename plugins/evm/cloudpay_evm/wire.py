"""The parts of nodes' answers that are read (execution-apis, JSON-RPC of Ethereum); everything else is skipped unread.

`extraData` is among what is skipped, so the long headers of proof-of-authority chains need no care.
"""

from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.json import Decoder

from cloudpay.chains.types import BlockRef, Header
from cloudpay_evm.errors import NodeFault

Height = Annotated[str, Meta(pattern=r"^0x0*[0-9a-fA-F]{1,15}\Z")]
"""A block's number: one that a database can hold."""
UnixTime = Annotated[str, Meta(pattern=r"^0x0*[0-9a-fA-F]{1,9}\Z")]
"""Seconds up to the year 4147: a time that a calendar can hold."""
Hash = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}\Z")]
"""The 32 bytes of a block's or a transaction's hash; anything longer would fit no column.

In lower case alone, as the standard has it: in capitals it would name another payment than the next node's does.
"""
Account = Annotated[str, Meta(pattern=r"^0x[0-9a-fA-F]{40}\Z")]
"""The 20 bytes of an address."""
Amount = Annotated[str, Meta(pattern=r"^0x0*[0-9a-fA-F]{1,64}\Z")]
"""At most the 32 bytes of a machine word."""
Place = Annotated[str, Meta(pattern=r"^0x0*[0-9a-fA-F]{1,8}\Z")]
"""Which one it is among those of its block."""


def number(quantity: str) -> int:
    """Read a hexadecimal quantity; raises `NodeFault`."""
    try:
        return int(quantity, 16)
    except ValueError as error:
        raise NodeFault(f"it gave {quantity[:40]!r} where a number belongs") from error


def octets(data: str) -> bytes:
    """Read bytes in hexadecimal; raises `NodeFault`."""
    try:
        return bytes.fromhex(data.removeprefix("0x"))
    except ValueError as error:
        raise NodeFault(f"it gave {len(data)} characters of something else where bytes belong") from error


class Block(Struct, rename="camel", kw_only=True):
    """A block's header."""

    number: Height
    hash: Hash
    parent_hash: Hash
    timestamp: UnixTime
    logs_bloom: str = "0x0"

    @property
    def height(self) -> int:
        """The block's number."""
        return number(self.number)

    @property
    def ref(self) -> BlockRef:
        """Height and hash."""
        return BlockRef(self.height, self.hash)

    @property
    def header(self) -> Header:
        """The header as the core knows it."""
        return Header(self.height, self.hash, self.parent_hash, number(self.timestamp))


class Transaction(Struct, rename="camel"):
    """A transaction in a block; `to` is None when it creates a contract."""

    hash: Hash
    transaction_index: Place
    value: Amount
    sender: Account = field(name="from")
    to: Account | None = None


class FullBlock(Block, rename="camel", kw_only=True):
    """A block with its transactions."""

    transactions: list[Transaction]


class Log(Struct, rename="camel"):
    """An event of a contract; what is None belongs to no block yet."""

    address: Account
    topics: list[str]
    data: str
    block_hash: Hash | None = None
    block_number: Height | None = None
    transaction_hash: Hash | None = None
    transaction_index: Place | None = None
    log_index: Place | None = None
    removed: bool | None = None


class Receipt(Struct, rename="camel"):
    """What became of an included transaction; `l1_fee` is what chains over Ethereum charge on top."""

    block_hash: Hash
    block_number: Height
    gas_used: Amount
    status: str | None = None
    effective_gas_price: Amount | None = None
    l1_fee: Amount | None = field(default=None, name="l1Fee")


class Known(Struct):
    """A transaction that the node knows, included or not."""

    hash: str


class FeeHistory(Struct, rename="camel"):
    """Base fees of some blocks and of the next one, and what those blocks' transactions paid on top."""

    base_fee_per_gas: list[Amount]
    reward: list[list[Amount]] | None = None


class Frame(Struct):
    """One call inside a transaction, by geth's callTracer; with `error` it and all below it were undone."""

    type: str
    sender: Account = field(name="from")
    to: Account | None = None
    value: Amount | None = None
    error: str | None = None
    calls: list["Frame"] = []


class TracedTransaction(Struct, rename="camel"):
    """One transaction of debug_traceBlockByHash."""

    tx_hash: Hash | None = None
    result: Frame | None = None
    error: str | None = None


class Action(Struct, rename="camel"):
    """What one flat trace did; `address`, `balance` and `refund_address` are a selfdestruct's."""

    sender: Account | None = field(default=None, name="from")
    to: Account | None = None
    value: Amount | None = None
    call_type: str | None = None
    address: Account | None = None
    balance: Amount | None = None
    refund_address: Account | None = None


class Made(Struct):
    """What one flat trace brought about; `address` is that of a new contract."""

    address: Account | None = None


class FlatTrace(Struct, rename="camel"):
    """One call inside a block, by trace_block; `trace_address` is its path in the tree of calls."""

    action: Action
    type: str
    block_hash: Hash
    trace_address: list[int] = []
    transaction_hash: Hash | None = None
    transaction_position: int | None = None
    error: str | None = None
    result: Made | None = None


BLOCK: Decoder[Block | None] = Decoder(Block | None)
FULL_BLOCK: Decoder[FullBlock | None] = Decoder(FullBlock | None)
LOGS: Decoder[list[Log]] = Decoder(list[Log])
RECEIPT: Decoder[Receipt | None] = Decoder(Receipt | None)
KNOWN: Decoder[Known | None] = Decoder(Known | None)
FEE_HISTORY: Decoder[FeeHistory] = Decoder(FeeHistory)
TEXT: Decoder[str] = Decoder(str)
AMOUNT: Decoder[str] = Decoder(Amount)
CALL_TRACES: Decoder[list[TracedTransaction]] = Decoder(list[TracedTransaction])
FLAT_TRACES: Decoder[list[FlatTrace]] = Decoder(list[FlatTrace])
