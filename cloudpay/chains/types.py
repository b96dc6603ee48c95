"""The values that cross the seam: frozen, in the chain's own integers (base units), heights and Unix seconds."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, Flag, StrEnum, auto

Watch = Callable[[Collection[str]], frozenset[str]]
"""Which of these normalised addresses are ours; asked once a page, after the page was fetched: one indexed query."""


class Capability(Flag):
    """What a chain can do; asked before a call, so that no method ever has to refuse."""

    NONE = 0
    TOKENS = auto()
    MULTI_OUTPUT = auto()
    REPLACEABLE = auto()
    MEMPOOL = auto()
    SPENDS_DEPOSITS = auto()
    TRACES = auto()
    """`scan` finds all native money, that which contracts send included; without it the core compares balances."""
    HISTORY = auto()
    """`balances` answers for every block near the head, and of that block alone.

    Without it only what it answers for the final block can be believed: beside the newest one, what waits may be in it.
    """
    MANY_BALANCES = auto()
    """`balances` answers over a thousand native ones by one call to a node: many cost what few do."""
    SECOND_OPINION = auto()
    """`second_opinions` asks other nodes whether they have a block, too: there are several, and they can be asked."""
    SECOND_READING = auto()
    """`read_again` tells the token transfers of final blocks for a few calls, from another node where there is one."""
    SENDS = auto()
    """The adapter is a `SpendingAdapter`, too; without it the network only takes money in."""


class Finality(StrEnum):
    """How a network says that a block is final."""

    TAG = "tag"
    SOLID = "solid"
    DEPTH = "depth"


@dataclass(frozen=True, order=True)
class BlockRef:
    """A block by height and hash; the hash is what counts."""

    height: int
    hash: str


@dataclass(frozen=True)
class Header:
    """A block's header; `time` is the block's own time in Unix seconds."""

    height: int
    hash: str
    parent: str
    time: int

    @property
    def ref(self) -> BlockRef:
        """The block that this header belongs to."""
        return BlockRef(self.height, self.hash)


@dataclass(frozen=True)
class Head:
    """The newest block and the newest final one, read from one and the same node (named by `node`)."""

    latest: Header
    final: BlockRef
    finality: Finality
    node: str


class TransferSource(StrEnum):
    """How a transfer was found."""

    LOG = "log"  # a listed token contract's own Transfer log
    NATIVE = "native"  # a transaction's own value
    TRACE = "trace"  # native money that a contract sent, from a trace
    BALANCE = "balance"  # native money inferred by the core from a balance at a block


@dataclass(frozen=True)
class Transfer:
    """Money that moved in an included, successful transaction.

    `contract` is None for the native coin. Addresses are normalised by the plugin's `parse`. `position` orders the
    transfers of one block as the chain executed them; the core numbers those of one (transaction, recipient, contract).
    """

    tx_id: str
    contract: str | None
    sender: str | None
    recipient: str
    amount: int
    block: BlockRef
    position: int
    source: TransferSource


@dataclass(frozen=True)
class ForeignTransfer:
    """A transfer of a token that is not listed: never credited, named on demand.

    `symbol` is what the contract calls itself, cut to what can be shown, and no more to be believed than its log;
    `decimals` is None where it tells none that make sense.
    """

    tx_id: str
    contract: str
    symbol: str
    decimals: int | None
    sender: str | None
    amount: int
    height: int


@dataclass(frozen=True)
class PendingTransfer:
    """Money that a waiting transaction would move; it may be replaced or never be included, so it is never credited."""

    tx_id: str
    contract: str | None
    sender: str | None
    recipient: str
    amount: int


@dataclass(frozen=True)
class Page:
    """Headers in ascending order, each the child of the one before, the first the child of what was asked `after`.

    With `after=None` a page holds the newest header alone. A range read below the final block may leave out headers
    that hold no transfer of ours, but not its last; `linked` is then false and finality stands in for the parent chain.
    `node` names the node that told it, where the plugin knows.
    """

    headers: tuple[Header, ...]
    transfers: tuple[Transfer, ...]
    linked: bool = True
    node: str = field(default="", compare=False)


@dataclass(frozen=True)
class Holding:
    """One asset at one address."""

    address: str
    contract: str | None


class TxState(Enum):
    """What a chain knows of a transaction; UNKNOWN never means failed."""

    UNKNOWN = auto()
    PENDING = auto()
    SUCCEEDED = auto()
    REVERTED = auto()


@dataclass(frozen=True)
class TxStatus:
    """A transaction's state; `block` and `fee` (native base units) once it is included."""

    tx_id: str
    state: TxState
    block: BlockRef | None = None
    fee: int | None = None


@dataclass(frozen=True)
class Statuses:
    """What one node knows of some transactions; `final` was read from it before them.

    So a transaction that is neither pending nor included here is in no block up to `final`: what expired before that
    block's time can never be included any more.
    """

    final: BlockRef
    by_id: Mapping[str, TxStatus]


@dataclass(frozen=True)
class PaymentRequest:
    """What a payer is asked for."""

    address: str
    contract: str | None
    amount: int
    decimals: int
    label: str


@dataclass(frozen=True)
class BrowserRequest:
    """What a browser wallet must be asked: the method of its provider, and the parameters as JSON text."""

    method: str
    params: str


@dataclass(frozen=True)
class PaymentUri:
    """What a wallet's camera reads; and, where there is such a thing, what a browser wallet is asked."""

    uri: str
    browser: BrowserRequest | None = None


@dataclass(frozen=True)
class KeyFamily:
    """Networks that share one set of addresses: m/44'/coin_type'/account'/chain/index (BIP-44)."""

    name: str
    coin_type: int


DEPOSIT_CHAIN = 0
MASTER_CHAIN = 1
GAS_CHAIN = 2
