"""Everything that the chain knows at one height: it changes with each transaction, and can be taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from cloudpay_devnet.tron.parameters import SLOT_MS, TRX, Parameters
from cloudpay_devnet.tron.records import BANDWIDTH, Account, Delegation
from cloudpay_devnet.tron.state import State

FIRST_ASSET = 1_000_001


class _Saved(msgspec.Struct):
    state: str
    accounts: dict[bytes, Account]
    contracts: dict[bytes, bytes]
    assets: dict[str, bytes]
    delegations: dict[bytes, Delegation]
    weights: tuple[int, int]
    parameters: Parameters


@dataclass(frozen=True)
class Moment:
    """When a transaction is carried out: in which block, and how old the chain was before it; times in ms."""

    number: int
    timestamp: int
    head_timestamp: int
    genesis_timestamp: int
    witness: bytes
    chain_id: int

    @property
    def slot(self) -> int:
        """The three seconds of the head, by which used resources fade."""
        return (self.head_timestamp - self.genesis_timestamp) // SLOT_MS


class World:
    """Accounts, contracts, tokens and delegations, by addresses of 21 bytes; balances are in the state."""

    def __init__(self) -> None:
        self.state = State()
        self.accounts: dict[bytes, Account] = {}
        self.contracts: dict[bytes, bytes] = {}
        self.assets: dict[str, bytes] = {}
        self.delegations: dict[bytes, Delegation] = {}
        self.weights = (0, 0)
        self.parameters = Parameters()

    def account(self, address: bytes) -> Account | None:
        """The account of that address, if it was ever activated."""
        return self.accounts.get(address)

    def put(self, account: Account) -> None:
        """Remember an account as it is now."""
        self.accounts[account.address] = account

    def change(self, address: bytes, **fields: Any) -> Account:
        """Change an account that exists."""
        self.accounts[address] = msgspec.structs.replace(self.accounts[address], **fields)
        return self.accounts[address]

    def balance(self, address: bytes) -> int:
        """An account's TRX in sun."""
        return self.state.balance(address[1:])

    def pay(self, address: bytes, delta: int) -> None:
        """Add to a balance, or take from it."""
        self.state.add_balance(address[1:], delta)

    def activate(self, address: bytes, timestamp: int, *, is_contract: bool = False) -> None:
        """Create an account, unless it is there."""
        if address not in self.accounts:
            self.put(Account(address, timestamp, is_contract))
        if not self.state.exists(address[1:]):
            self.state.create(address[1:])

    def add_weight(self, resource: int, sun: int) -> None:
        """Count stake of this chain's accounts, in sun."""
        net, energy = self.weights
        self.weights = (net + sun, energy) if resource == BANDWIDTH else (net, energy + sun)

    def weight(self, resource: int) -> int:
        """All that is staked for a resource, in TRX."""
        others = (self.parameters.other_net_weight, self.parameters.other_energy_weight)[resource]
        return others + self.weights[resource] // TRX

    def limit(self, account: Account, resource: int) -> int:
        """How much of a resource an account's stake gives it in a day."""
        total = (self.parameters.total_net_limit, self.parameters.total_energy_limit)[resource]
        weight = self.weight(resource)
        return 0 if weight <= 0 else account.stake(resource) // TRX * total // weight

    @contextmanager
    def undone_on_error(self) -> Iterator[None]:
        """Take back what happens inside when it raises."""
        token = self.state.snapshot()
        kept = self._tables()
        try:
            yield
        except BaseException:
            self.state.rollback(token)
            self._restore(kept)
            raise
        self.state.commit(token)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Take back what happens inside, whatever it is."""
        token = self.state.snapshot()
        kept = self._tables()
        try:
            yield
        finally:
            self.state.rollback(token)
            self._restore(kept)

    def _tables(self) -> tuple[Any, ...]:
        tables = (self.accounts, self.contracts, self.assets, self.delegations)
        return (*(dict(table) for table in tables), self.weights, self.parameters)

    def _restore(self, kept: tuple[Any, ...]) -> None:
        self.accounts, self.contracts, self.assets, self.delegations, self.weights, self.parameters = kept

    def dump(self) -> bytes:
        """All of it as bytes."""
        accounts, contracts, assets, delegations, weights, parameters = self._tables()
        saved = _Saved(self.state.dump(), accounts, contracts, assets, delegations, weights, parameters)
        return msgspec.msgpack.encode(saved)

    @classmethod
    def load(cls, dumped: bytes) -> "World":
        """What `dump` wrote."""
        saved = msgspec.msgpack.decode(dumped, type=_Saved)
        world = cls()
        world.state = State.load(saved.state)
        world.accounts, world.contracts, world.assets = saved.accounts, saved.contracts, saved.assets
        world.delegations, world.weights, world.parameters = (
            saved.delegations,
            saved.weights,
            saved.parameters,
        )
        return world
