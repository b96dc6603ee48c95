"""The sending half of the seam as it is proposed in docs/explanation/chain-seam.md, so that it can be tried out."""

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
    """What the core knows and a chain needs: nothing in it says which chain it is."""

    tier: FeeTier
    fee_cap: int
    keys: Mapping[str, KeyPath]
    gas_station: str
    taken: frozenset[str] = frozenset()
    coins: tuple[Coin, ...] = ()
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
    """What bytes can do at most, read from the bytes alone."""

    payees: tuple[Payee, ...]
    largest_fee: int
    expires_at: int | None


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


class Signer(Protocol):
    """Signs digests; the only thing that touches a private key."""

    def sign(self, path: KeyPath, digest: bytes) -> bytes:
        """Answer the signature of a 32-byte digest."""
        ...


class SpendingAdapter(ChainAdapter, Protocol):
    """A chain adapter that can also send."""

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Sequence[Draft]:
        """Draft transactions that carry all of these spends; a draft with `needs` is drafted again after them."""
        ...

    def sign(self, draft: Draft, signer: Signer) -> Signed:
        """Sign; digest and id are computed here."""
        ...

    def explain(self, raw: bytes) -> Explained:
        """Say what bytes, signed or not, can move; no I/O."""
        ...

    def broadcast(self, signed: Signed) -> Broadcast:
        """Hand bytes to the nodes; the same bytes any number of times."""
        ...

    def consumed(self, claims: Collection[str]) -> Consumed:
        """Say which claims are used up by final transactions."""
        ...

    def in_flight(self, source: str) -> int:
        """Say how many unconfirmed transactions one address may have."""
        ...
