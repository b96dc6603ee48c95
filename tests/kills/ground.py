"""The chain that a run stands on, of whatever family: what befalls it, and what it says of itself."""

import random
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self

from cloudpay.kernel.failpoints import Failpoint
from cloudpay_devnet.chains import LocalChain

TOKEN = "USDT"
"""The token that every development chain has."""


class PaidChain(LocalChain, Protocol):
    """A chain on which contracts pay, too."""

    def pay_through_contract(self, to: str, units: int) -> str:
        """Pay native coins from inside a contract call; answers the transaction hash."""


@dataclass(frozen=True)
class Sent:
    """One transaction of an address of ours in a block; `claim` is what it used up, empty where nothing is."""

    sender: str
    tx_id: str
    claim: str
    fee: int


class Ground(ABC):
    """A running chain that mines when it is told. It is used by one thread at a time."""

    chain: PaidChain
    cold: ClassVar[str]
    """Where surplus goes that comes to the master wallet beside its first funds."""
    refusing: ClassVar[str]
    """Takes no native coins."""
    first_funds: ClassVar[Mapping[str, int]]
    """What the master wallet has before anybody is paid."""
    rates: ClassVar[Mapping[str, str]]
    """Prices at which what payers send is mostly worth its fee."""
    never_passed: ClassVar[frozenset[Failpoint]] = frozenset()
    """Failpoints that no process comes by on such a chain."""
    traces: ClassVar[bool]
    """Whether contracts' calls are read while money goes out: the other way is tried while it comes in."""
    dear_for: ClassVar[int]
    """Blocks for which sending is dear once it was made so."""

    @classmethod
    @abstractmethod
    def start(cls) -> Self:
        """Start a node."""

    @abstractmethod
    def table(self, *, traces: bool) -> Mapping[str, Any]:
        """Answer what is its family's own in the network's table; `traces` says whether contracts' calls are read."""

    @abstractmethod
    def height(self) -> int:
        """Answer the newest block's number."""

    @abstractmethod
    def reorganise(self, depth: int, chance: random.Random, ours: Collection[str]) -> None:
        """Replace the newest blocks; what was in them comes again at once or later, but for some of what `ours` sent.

        That is the gateway's to hand out again, which may be faster.
        """

    @abstractmethod
    def address(self, name: str) -> str:
        """Answer an address of that name's own, which nobody has the key of."""

    @abstractmethod
    def waiting(self, address: str) -> Sequence[str]:
        """Answer the address's transactions that wait for a block, those that go first in front."""

    @abstractmethod
    def drop(self, tx_id: str) -> None:
        """Have a transaction that waits forgotten."""

    @abstractmethod
    def steal(self, address: str, units: int) -> str:
        """Send native coins with an address's own key, past the gateway; the id, empty where it cannot be done now."""

    @abstractmethod
    def make_dear(self) -> None:
        """Have sending cost more than what was planned before has left for it."""

    @abstractmethod
    def make_cheap(self) -> None:
        """Have it cost what it did before, where that does not come by itself."""

    def let_expire(self) -> bool:
        """Let the time of what waits run out; False where nothing on the chain expires."""
        return False

    @abstractmethod
    def transactions(self, addresses: Iterable[str]) -> Iterator[Sent]:
        """Answer every transaction of these addresses, read block by block, in their order."""

    def gaps(self, sent: Sequence[Sent], addresses: Iterable[str]) -> Iterator[str]:
        """Answer what is wrong with the order of an address's transactions, where the chain has one."""
        return iter(())

    @property
    def code(self) -> str:
        """The network's code."""
        return self.chain.network.name

    @cached_property
    def native(self) -> str:
        """The native coin's symbol."""
        return self.chain.network.native_symbol

    @cached_property
    def decimals(self) -> Mapping[str, int]:
        """The decimals of what is paid with."""
        return {symbol: self.chain.network.assets[symbol].decimals for symbol in (self.native, TOKEN)}

    def stop(self) -> None:
        """Stop the node."""
        self.chain.stop()


@dataclass(frozen=True)
class ChainTruth:
    """What a chain that nothing more happens on says at the end of a run; the gateway's tables are not asked."""

    ground: Ground
    master: str
    deposits: tuple[str, ...]

    @cached_property
    def sent(self) -> Sequence[Sent]:
        """Every transaction of our addresses."""
        return tuple(self.ground.transactions(self.ours))

    @property
    def ours(self) -> tuple[str, ...]:
        """The master wallet, and every deposit address."""
        return (self.master, *self.deposits)

    @property
    def gaps(self) -> Iterator[str]:
        """What is wrong with the order of our transactions."""
        return self.ground.gaps(self.sent, self.ours)

    def held(self, asset: str, address: str) -> int:
        """What an address holds."""
        return self.ground.chain.balance(asset, address)

    def fees(self, *, leaving: Iterable[str] = ()) -> int:
        """What our addresses have paid for their transactions, but for some of them."""
        left = set(leaving)
        return sum(each.fee for each in self.sent if each.tx_id not in left)
