"""The accounts of the chain: balances, code and storage, with a way back to any earlier moment."""

import json
from typing import Any, Self, TypeVar

from cloudpay_devnet.errors import DevnetError

K = TypeVar("K")
V = TypeVar("V")

# A table, a key of it and the value that was there before, None for none.
_Change = tuple[dict[Any, Any], Any, Any]


class BalanceTooLow(DevnetError):
    """An account does not hold what is taken from it."""

    code = "balance_too_low"

    def __init__(self, address: bytes, balance: int, wanted: int) -> None:
        super().__init__(f"The account 41{address.hex()} holds {balance} sun, not {wanted}.")
        self.address = address
        self.balance = balance
        self.wanted = wanted


class State:
    """Accounts by their 20-byte address; balances in sun.

    Every change is written down with what was there before, as long as a snapshot is open. A way back of 30 blocks is
    one `rollback` of the oldest of them and costs as much as their changes, not as the state. The node keeps one
    snapshot per block that may still be forked away, and commits it once the block is solid.
    """

    def __init__(self) -> None:
        self._balances: dict[bytes, int] = {}
        self._codes: dict[bytes, bytes] = {}
        self._storage: dict[bytes, dict[int, int]] = {}
        self._journal: list[_Change] = []
        self._dropped = 0  # how many changes of the journal's beginning are gone
        self._open: dict[int, int] = {}  # token -> its place in the journal, in the order of both
        self._tokens = 0

    def exists(self, address: bytes) -> bool:
        """Whether the account is activated, with or without a balance."""
        return address in self._balances

    def create(self, address: bytes) -> None:
        """Activates an account; one that exists stays as it is."""
        if address not in self._balances:
            self._put(self._balances, address, 0)

    def addresses(self) -> tuple[bytes, ...]:
        """All activated accounts."""
        return tuple(self._balances)

    def balance(self, address: bytes) -> int:
        """What the account holds, 0 if it does not exist."""
        return self._balances.get(address, 0)

    def add_balance(self, address: bytes, delta: int) -> None:
        """Adds to a balance, or takes from it; activates the account. Raises BalanceTooLow."""
        balance = self.balance(address)
        if balance + delta < 0:
            raise BalanceTooLow(address, balance, -delta)
        self._put(self._balances, address, balance + delta)

    def is_contract(self, address: bytes) -> bool:
        """Whether a contract was created there, also one without code."""
        return address in self._codes

    def code(self, address: bytes) -> bytes:
        """The contract's code; empty for everyone else."""
        return self._codes.get(address, b"")

    def set_code(self, address: bytes, code: bytes) -> None:
        """Makes the account a contract, and activates it."""
        self.create(address)
        self._put(self._codes, address, code)

    def storage(self, address: bytes, slot: int) -> int | None:
        """A contract's slot; None if nothing was ever written to it or it was cleared by an earlier transaction."""
        return self._storage.get(address, {}).get(slot)

    def set_storage(self, address: bytes, slot: int, value: int | None) -> None:
        """Writes a slot; None takes it away."""
        slots = self._storage.setdefault(address, {})
        self._put(slots, slot, value)

    def delete(self, address: bytes) -> None:
        """Takes an account away with its balance, code and storage."""
        for slot in list(self._storage.get(address, {})):
            self.set_storage(address, slot, None)
        self._put(self._codes, address, None)
        self._put(self._balances, address, None)

    def snapshot(self) -> int:
        """A token for this moment; snapshots nest."""
        self._tokens += 1
        self._open[self._tokens] = self._dropped + len(self._journal)
        return self._tokens

    def rollback(self, token: int) -> None:
        """Back to the snapshot's moment; this snapshot and all that were taken after it are closed."""
        place = self._open[token]
        while self._dropped + len(self._journal) > place:
            table, key, before = self._journal.pop()
            if before is None:
                table.pop(key, None)
            else:
                table[key] = before
        self._open = {other: at for other, at in self._open.items() if other < token}

    def commit(self, token: int) -> None:
        """Closes a snapshot and keeps what changed; the other open ones can still be gone back to."""
        del self._open[token]
        keep_from = next(iter(self._open.values()), self._dropped + len(self._journal))
        if keep_from > self._dropped:
            del self._journal[: keep_from - self._dropped]
            self._dropped = keep_from

    def dump(self) -> str:
        """Everything but the snapshots, as JSON."""
        slots = {
            address.hex(): {format(slot, "x"): format(value, "x") for slot, value in values.items()}
            for address, values in self._storage.items()
            if values
        }
        codes = {address.hex(): code.hex() for address, code in self._codes.items()}
        balances = {address.hex(): balance for address, balance in self._balances.items()}
        return json.dumps({"balances": balances, "codes": codes, "storage": slots})

    @classmethod
    def load(cls, dumped: str) -> Self:
        """The state that `dump` wrote down, without any open snapshot."""
        tables = json.loads(dumped)
        state = cls()
        state._balances = {bytes.fromhex(address): balance for address, balance in tables["balances"].items()}
        state._codes = {
            bytes.fromhex(address): bytes.fromhex(code) for address, code in tables["codes"].items()
        }
        state._storage = {
            bytes.fromhex(address): {int(slot, 16): int(value, 16) for slot, value in values.items()}
            for address, values in tables["storage"].items()
        }
        return state

    def _put(self, table: dict[K, V], key: K, value: V | None) -> None:
        if self._open:
            self._journal.append((table, key, table.get(key)))
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
