"""What a plugin author gives the conformance suite: a chain that can be scripted, and the adapter that reads it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.spending import KeyPath, Signer, SpendingAdapter
from cloudpay.kernel.errors import CloudPayError


class ChainWorld(Protocol):
    """A running chain and the adapter under test; one may serve many tests, each works with new addresses.

    Nothing is mined but by `mine` and `reorg`: what is sent waits in the mempool until then.
    """

    @property
    def network(self) -> Network:
        """The network as the registry built it from the plugin's definition."""
        ...

    @property
    def adapter(self) -> ChainAdapter:
        """The adapter under test, opened with that network's settings."""
        ...

    @property
    def account_key(self) -> str:
        """An account's extended public key, as `Addresses.derive` takes it."""
        ...

    @property
    def token(self) -> Asset | None:
        """A listed token; None on a chain without TOKENS."""
        ...

    @property
    def lookalike(self) -> str:
        """The contract of a token that is not listed and has the listed one's symbol; empty without TOKENS."""
        ...

    @property
    def largest_amount(self) -> int:
        """The most base units that `send` can move at once: of the token, or of the native coin without TOKENS."""
        ...

    @property
    def blocks_to_finality(self) -> int:
        """A block is final when so many more were mined on top of it."""
        ...

    @property
    def spellings(self) -> Mapping[str, str]:
        """Other ways to write an address, each with its normalised form."""
        ...

    @property
    def not_addresses(self) -> Sequence[str]:
        """Texts that must be refused: wrong checksum, another chain's, a test net's, look-alike characters."""
        ...

    @property
    def plugin_module(self) -> str:
        """The module that the plugin's entry point names."""
        ...

    def new_address(self) -> str:
        """Answer a normalised address that nobody used before, and that `send` can send from."""
        ...

    def send(
        self,
        to: str,
        amount: int,
        contract: str | None = None,
        *,
        sender: str | None = None,
        fails: bool = False,
    ) -> str:
        """Send one transfer and answer the transaction's id; the world sees to it that the sender has the money.

        Without `sender`, some account of the world pays. With `fails` the transaction is included but does not succeed.
        """
        ...

    def send_many(self, payments: Sequence[tuple[str, int]], contract: str | None) -> str:
        """Send several transfers in one transaction; asked with TOKENS (of a token) or MULTI_OUTPUT (native)."""
        ...

    def send_through_contract(self, to: str, amount: int) -> str:
        """Send native money by a contract, not by the transaction's own value; asked only with TOKENS."""
        ...

    def mine(self, n: int = 1) -> None:
        """Mine `n` blocks, the first with all that waits."""
        ...

    def reorg(self, depth: int) -> None:
        """Replace the newest `depth` blocks by at least as many others; what becomes of their transactions is free."""
        ...

    def nodes_down(self) -> AbstractContextManager[None]:
        """Make every node unreachable inside a `with` block, and reachable again after it."""
        ...

    def misconfigured(self) -> Mapping[type[CloudPayError], ChainAdapter]:
        """Answer adapters by what their `verify` must raise: `WrongChain`, and with TOKENS `WrongDecimals`."""
        ...


class SendingWorld(ChainWorld, Protocol):
    """What a world offers beside the rest where its adapter has the capability SENDS."""

    @property
    def adapter(self) -> SpendingAdapter:
        """The adapter under test, which can send."""
        ...

    @property
    def signer(self) -> Signer:
        """Signs with the keys of the addresses that `new_address` answers, as `SeedSigner` does over some words."""
        ...

    def path_of(self, address: str) -> KeyPath:
        """Answer the key path of an address that `new_address` has answered."""
        ...

    def closed_address(self) -> str:
        """Answer an address that takes no native money, as some contracts do; empty text where there is none."""
        ...
