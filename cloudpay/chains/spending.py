"""The sending half of the seam: what is to be moved, what carries it, and what a chain that sends implements."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Protocol

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.types import BlockRef


class FeeTier(StrEnum):
    """How soon a transaction shall be included: the published words of `priority`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class KeyPath:
    """m/44'/coin'/account'/chain/index."""

    account: int
    chain: int
    index: int


@dataclass(frozen=True)
class Spend:
    """The intent to move an asset; `source` is the address that pays and that change comes back to."""

    id: str
    source: str
    recipient: str
    contract: str | None
    amount: int


@dataclass(frozen=True)
class Coin:
    """A spendable output of ours; `claim` names it (`txid:vout`). Account chains have none."""

    claim: str
    address: str
    amount: int


@dataclass(frozen=True)
class SpendContext:
    """What the core knows and a chain needs: nothing in it says which chain it is.

    `fee_cap` is in native base units for one transaction; `keys` names the path of every address of ours that occurs;
    `gas_station` pays for what drafts need; `taken` are the claims that must not be used, `replaces` is outbid;
    `recent` are the newest claims of the source since a person last compared the gateway with the chain; `first` says
    that there should be none on the chain either: whatever it has of the source is not known here.
    """

    tier: FeeTier
    fee_cap: int
    keys: Mapping[str, KeyPath]
    gas_station: str
    taken: frozenset[str] = frozenset()
    coins: tuple[Coin, ...] = ()
    recent: frozenset[str] = frozenset()
    first: bool = False
    replaces: "Draft | None" = None


@dataclass(frozen=True)
class Draft:
    """An unsigned transaction: which spends it carries, and what it takes to settle them."""

    spends: tuple[Spend, ...]
    claims: frozenset[str]
    needs: tuple[Spend, ...]
    expires_at: int | None
    signers: tuple[KeyPath, ...]
    unsigned: bytes


@dataclass(frozen=True)
class Refusal:
    """A spend that the chain would not carry out as things stand, and why: nothing was drafted for it."""

    spend_id: str
    reason: str


@dataclass(frozen=True)
class Prepared:
    """What was drafted, and what cannot be; a spend that is in neither waits, and is prepared again.

    `overtaken` are the sources whose place on the chain is beyond all `recent` claims, or beyond its beginning where it
    is to be their `first`: somebody else has signed for them, and nothing is drafted.
    """

    drafts: tuple[Draft, ...]
    refused: tuple[Refusal, ...] = ()
    overtaken: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Signed:
    """Bytes that can be broadcast, and the id that the chain will know them by."""

    tx_id: str
    raw: bytes


@dataclass(frozen=True)
class Payee:
    """One payment that bytes make."""

    recipient: str
    contract: str | None
    amount: int


@dataclass(frozen=True)
class Explained:
    """What bytes can do at most, read from the bytes alone; `sender` is whose they are, where they say so."""

    payees: tuple[Payee, ...]
    largest_fee: int
    expires_at: int | None
    sender: str | None = None


@dataclass(frozen=True)
class Consumed:
    """Which claims a final transaction has used up, whoever signed it, as of one node's final block."""

    final: BlockRef
    claims: frozenset[str]


class Broadcast(Enum):
    """What a node said; neither REJECTED nor UNKNOWN means failed."""

    ACCEPTED = auto()
    KNOWN = auto()
    REJECTED = auto()
    UNKNOWN = auto()


@dataclass(frozen=True)
class Answer:
    """What the nodes said to one transaction, and in whose words."""

    outcome: Broadcast
    reason: str = ""


@dataclass(frozen=True)
class FeeQuote:
    """What one transfer of an asset costs at most now, in native base units; `contract` None: of the native coin."""

    tier: FeeTier
    contract: str | None
    fee: int


class Signer(Protocol):
    """Signs digests; the only thing that touches a private key."""

    def sign(self, path: KeyPath, digest: bytes) -> bytes:
        """Answer the signature of a 32-byte digest: r, s (low) and the recovery id (0 to 3), 65 bytes (RFC 6979)."""
        ...


class SpendingAdapter(ChainAdapter, Protocol):
    """A chain adapter that can also send; what speaks to nodes raises `NodeUnavailable` and its kin."""

    def fee_quotes(self) -> tuple[FeeQuote, ...]:
        """Answer what a transfer of each listed asset costs now, by tier: for a constant number of calls."""
        ...

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        """Draft transactions that carry these spends; a draft with `needs` is drafted again after them."""
        ...

    def sign(self, draft: Draft, signer: Signer) -> Signed:
        """Sign; digest and id are computed here, never taken from a node. No I/O."""
        ...

    def explain(self, raw: bytes) -> Explained:
        """Say what bytes, signed or not, can move; no I/O. Raises `ValueError` for bytes of another kind."""
        ...

    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        """Hand bytes to the nodes, the same bytes any number of times; one answer for each, in order. Raises nothing.

        A node that cannot be reached answered UNKNOWN.
        """
        ...

    def consumed(self, claims: Collection[str]) -> Consumed:
        """Say which claims are used up by final transactions."""
        ...

    def in_flight(self, sources: Collection[str]) -> Mapping[str, int]:
        """Say how many unconfirmed transactions each of these addresses may have."""
        ...
