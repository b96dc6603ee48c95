"""What a chain plugin implements: a light half without heavy imports, and the adapter that speaks to nodes."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import (
    BlockRef,
    Capability,
    ForeignTransfer,
    Head,
    Header,
    Holding,
    KeyFamily,
    Page,
    PaymentRequest,
    PaymentUri,
    PendingTransfer,
    Statuses,
    Transfer,
    Watch,
)


class Addresses(Protocol):
    """The light half: pure functions that a web process may call for every request."""

    def derive(self, account_public_key: str, chain: int, index: int) -> str:
        """Answer the normalised address at chain/index below an account's extended public key (BIP-32, base58 xpub)."""
        ...

    def parse(self, text: str) -> str:
        """Answer the normalised address; raises `InvalidAddress` (checksum, wrong chain, testnet, look-alike)."""
        ...

    def payment_uri(self, request: PaymentRequest) -> PaymentUri:
        """Answer what a wallet reads to pay this request."""
        ...


class ChainAdapter(Protocol):
    """Speaks to the nodes of one network; synchronous, stateless, batch-first; raises `NodeUnavailable` and its kin."""

    capabilities: Capability

    def verify(self) -> None:
        """Hold chain identity and listed decimals against the nodes.

        Raises `WrongChain`, `WrongDecimals`, `NodeUnavailable`.
        """
        ...

    def head(self) -> Head:
        """Answer the newest and the final block of one and the same node."""
        ...

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        """Answer the next blocks after `after`, at most `limit`, and all transfers in them to or from our addresses.

        An empty page means that the node has nothing after it: `after` is the head, or the node is behind. Raises
        `Unlinked` when `after` is not on the chain.
        """
        ...

    def header_at(self, height: int) -> Header:
        """Answer the header of the canonical chain at a height; raises `NodeUnavailable` when no node has it."""
        ...

    def pending(self, watch: Watch) -> tuple[PendingTransfer, ...]:
        """Answer what waits in the mempool for us; called only with the capability MEMPOOL."""
        ...

    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Answer balances in base units at the newest or the final block, or, with HISTORY, at one behind the head.

        Without HISTORY those at the newest block may be the node's own view, with what waits in its pool: nothing is
        credited on them.

        Raises `Unlinked` when that block is not on the chain, `NodeUnavailable` when no node has its state, and of
        that `BlockPassed` where a look at the next head would find it.
        """
        ...

    def statuses(self, tx_ids: Iterable[str]) -> Statuses:
        """Answer what one node knows of each transaction; a missing receipt is UNKNOWN or PENDING, never failed."""
        ...

    def health(self) -> tuple["NodeHealth", ...]:
        """Answer how each node has been doing; no I/O."""
        ...

    def close(self) -> None:
        """Close connections."""
        ...


class Opinion(StrEnum):
    """What the nodes say of a block that one of them told."""

    AGREED = "agreed"  # at least two have it
    DISPUTED = "disputed"  # at least one has another block at that height
    UNHEARD = "unheard"  # fewer than two have anything there, or answer at all


class SecondOpinions(Protocol):
    """What an adapter with the capability SECOND_OPINION answers beside the rest."""

    def second_opinions(self, blocks: Collection[BlockRef]) -> Mapping[BlockRef, Opinion]:
        """Ask all nodes for blocks at these heights; a node that cannot be reached has no opinion. Raises nothing."""
        ...


@dataclass(frozen=True)
class Reading:
    """What one node told when final blocks were read again, up to `last`."""

    node: str
    last: Header
    transfers: tuple[Transfer, ...]


class SecondReading(Protocol):
    """What an adapter with the capability SECOND_READING answers beside the rest."""

    def read_again(self, first: int, last: int, watch: Watch, avoid: Collection[str]) -> Reading:
        """Answer all token transfers to or from our addresses in final blocks, from `first` to `last` or less far.

        One node answers: one that is not among `avoid`, where there is one. Raises `NodeUnavailable`.
        """
        ...


class NodeState(StrEnum):
    """Whether a node is asked."""

    UP = "up"
    RESTING = "resting"  # its last answer was a failure; asked again now and then
    LAGGING = "lagging"  # its head stands still, or is far behind another's; asked when no other answers
    DISPUTED = "disputed"  # it has another final block than the node that is read
    WRONG_CHAIN = "wrong_chain"


@runtime_checkable
class TokenFinder(Protocol):
    """An adapter that can look closer at tokens, on demand; asked whether it is one before it is asked."""

    def foreign_transfers(self, address: str, first: int, last: int) -> tuple[ForeignTransfer, ...]:
        """Answer the transfers of unlisted tokens to an address in the blocks from `first` to `last`, oldest first.

        Raises `NodeUnavailable`.
        """
        ...

    def stuck(self, balances: Mapping[Holding, int], recipient: str) -> frozenset[Holding]:
        """Answer which balances their holder could not send to a recipient now: a paused token, a blocked address.

        Raises `NodeUnavailable`.
        """
        ...


@runtime_checkable
class AbsenceProver(Protocol):
    """An adapter that reads blocks to prove that nothing signed is in them; asked whether it is one before it is asked.

    For chains whose transactions expire: an index that was lost denies what the blocks hold.
    """

    def absent(
        self, signed: Mapping[str, bytes], final: BlockRef, meanwhile: Callable[[], None]
    ) -> frozenset[str]:
        """Answer which of these (bytes by id) are in no block up to `final`, and can be in none that comes after it.

        Every block that could hold one was read, each the child of the one before; where several nodes are named, from
        two of them. `meanwhile` is called now and then, since that may take long. Raises `NodeUnavailable`.
        """
        ...


@dataclass(frozen=True)
class NodeHealth:
    """One node as the adapter sees it: `score` from 0 (out of use) to 100, and why.

    `rests_for` is in seconds, `height` the newest block that it told, `latency_ms` a running mean, `calls` what was
    asked of it since the process began, batches unpacked.
    """

    node: str
    score: int
    failures: int
    last_error: str | None
    state: NodeState = NodeState.UP
    rests_for: float = 0.0
    height: int | None = None
    latency_ms: int | None = None
    calls: int = 0


@dataclass(frozen=True)
class ChainDefinition:
    """One network that a plugin serves, as its hook declares it; making one costs no I/O and no heavy import.

    `network` is its code; a configured network of another code may name it as its `family`. `defaults` is the shipped
    table that the user's table is laid over. `open` imports the heavy libraries and answers an adapter. `sends` says
    whether that is one with the capability SENDS, for processes that open none.
    """

    network: str
    key_family: KeyFamily
    settings_schema: type[NetworkSettings]
    addresses: Callable[[NetworkSettings, str], Addresses]
    open: Callable[[Any, str], ChainAdapter]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    family: str = ""
    sends: bool = False
