"""The state of a fake chain: blocks, mempool and balances, with reorganisations; no node and no fault in it."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from cloudpay.chains.types import BlockRef, Header
from cloudpay.testing.addresses import fake_address

HoldingKey = tuple[str, str | None]
PAYER = fake_address("payer")
"""The account that pays when a test names no sender; it never runs out."""
SEQUENCE = (
    "how many transactions it has signed"  # counted as if it were held, so that it goes back with a block
)
PAYER_FUNDS = 2**320  # far beyond any amount, so that the payer can send 2**256 - 1 more than once


@dataclass(frozen=True)
class Move:
    """One transfer inside a transaction; `via_contract` marks native money that a contract sends."""

    sender: str
    recipient: str
    amount: int
    contract: str | None = None
    via_contract: bool = False


@dataclass(frozen=True)
class FakeTransaction:
    """What waits in the mempool or is in a block; `origin` pays the fee.

    What was signed has a `nonce`, the place in its origin's sequence, and a `limit`, the most that it would pay.
    """

    id: str
    origin: str
    moves: tuple[Move, ...]
    fee: int
    fails: bool
    nonce: int | None = None
    limit: int = 0


@dataclass(frozen=True)
class Included:
    """A transaction in a block, and whether it succeeded there."""

    transaction: FakeTransaction
    succeeded: bool


@dataclass(frozen=True)
class FakeBlock:
    """A block with what it changed."""

    header: Header
    included: tuple[Included, ...]
    deltas: dict[HoldingKey, int] = field(compare=False)


class FakeLedger:
    """Blocks in order, the mempool, and balances at every block; deterministic."""

    def __init__(self, name: str, unix: Callable[[], int], payer: str) -> None:
        self._name, self._unix, self._payer = name, unix, payer
        self._counter = 0
        self._balances: dict[HoldingKey, int] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self.mempool: dict[str, FakeTransaction] = {}
        self.blocks: list[FakeBlock] = []
        self.append(())

    @property
    def tip(self) -> FakeBlock:
        """The newest block."""
        return self.blocks[-1]

    def block(self, ref: BlockRef) -> FakeBlock | None:
        """The block of this height and hash, or None when it is not on the chain."""
        if not 0 <= ref.height < len(self.blocks) or self.blocks[ref.height].header.hash != ref.hash:
            return None
        return self.blocks[ref.height]

    def find(self, tx_id: str) -> tuple[FakeBlock, Included] | None:
        """The block that holds a transaction."""
        place = self._places.get(tx_id)
        if place is None:
            return None
        height, index = place
        return self.blocks[height], self.blocks[height].included[index]

    def fund(self, holding: HoldingKey, amount: int) -> None:
        """Give money from the first block on, by no transfer."""
        self._balances[holding] = self._balance(holding) + amount

    def balance(self, holding: HoldingKey, height: int) -> int:
        """Base units held after the block at `height`."""
        later = sum(block.deltas.get(holding, 0) for block in self.blocks[height + 1 :])
        return self._balance(holding) - later

    def waiting(self, holding: HoldingKey) -> int:
        """Base units by which the mempool would change what is held."""
        deltas: dict[HoldingKey, int] = {}
        for each in self.mempool.values():
            self._apply(each, deltas)
        return deltas.get(holding, 0)

    def submit(self, moves: Iterable[Move], origin: str, fee: int, fails: bool) -> str:
        """Put a transaction into the mempool; raises `ValueError` when its money is not there."""
        transaction = FakeTransaction(self._next_id(), origin, tuple(moves), fee, fails)
        deltas: dict[HoldingKey, int] = {}
        for waiting in self.mempool.values():
            self._apply(waiting, deltas)
        able = self._balance((origin, None)) + deltas.get((origin, None), 0) >= fee
        if not able or (not self._apply(transaction, deltas) and not fails):
            raise ValueError(
                f"{origin} cannot pay for {transaction.moves} and a fee of {fee}: fund() it first"
            )
        self.mempool[transaction.id] = transaction
        return transaction.id

    def append(self, transactions: Iterable[FakeTransaction]) -> FakeBlock:
        """Put a block with these transactions on top; one whose turn has not come, or that is not paid for, waits."""
        deltas: dict[HoldingKey, int] = {}
        included = tuple(
            Included(each, self._apply(each, deltas)) for each in transactions if self._fits(each, deltas)
        )
        parent = self.tip.header if self.blocks else Header(-1, "0x" + "0" * 64, "", 0)
        header = Header(parent.height + 1, self._next_id(), parent.hash, max(parent.time, self._unix()))
        self._put(FakeBlock(header, included, deltas))
        return self.tip

    def unwind(self, depth: int, drop: Collection[str]) -> None:
        """Take `depth` blocks off; their transactions return to the front of the mempool, except those to drop."""
        if not 0 < depth < len(self.blocks):
            raise ValueError(f"cannot take {depth} of {len(self.blocks)} blocks off")
        gone, self.blocks = self.blocks[-depth:], self.blocks[:-depth]
        for block in gone:
            for holding, delta in block.deltas.items():
                self._balances[holding] = self._balance(holding) - delta
        returned = [each.transaction for block in gone for each in block.included]
        for each in returned:
            self._places.pop(each.id, None)
        waiting = {each.id: each for each in (*returned, *self.mempool.values())}
        self.mempool = {tx_id: each for tx_id, each in waiting.items() if tx_id not in drop}

    def alter(self, tx_id: str, moves: Iterable[Move], fails: bool) -> None:
        """Change what a waiting transaction moves; raises `KeyError` when it does not wait."""
        self.mempool[tx_id] = replace(self.mempool[tx_id], moves=tuple(moves), fails=fails)

    def switch(self, branch: Sequence[FakeBlock]) -> None:
        """Replace what does not belong to a branch by its blocks, as they are; what was in none of them waits."""
        shared = sum(1 for ours, theirs in zip(self.blocks, branch, strict=False) if ours is theirs)
        if shared < len(self.blocks):
            self.unwind(len(self.blocks) - shared, ())
        for block in branch[shared:]:
            self._put(block)

    def _put(self, block: FakeBlock) -> None:
        for index, each in enumerate(block.included):
            self.mempool.pop(each.transaction.id, None)
            self._places[each.transaction.id] = block.header.height, index
        self.blocks.append(block)
        for holding, delta in block.deltas.items():
            self._balances[holding] = self._balance(holding) + delta
        self._drop_overtaken(
            {each.transaction.origin for each in block.included if each.transaction.nonce is not None}
        )

    def _drop_overtaken(self, origins: Collection[str]) -> None:
        """Forget what waits for a place in a sequence that another transaction has taken."""
        if origins:
            self.mempool = {
                tx_id: each
                for tx_id, each in self.mempool.items()
                if each.nonce is None or each.nonce >= self._balance((each.origin, SEQUENCE))
            }

    def _fits(self, transaction: FakeTransaction, deltas: dict[HoldingKey, int]) -> bool:
        """Say whether a signed transaction can be in a block after these changes."""
        if transaction.nonce is None:
            return True
        turn, purse = (transaction.origin, SEQUENCE), (transaction.origin, None)
        costs = transaction.fee + sum(
            each.amount for each in transaction.moves if (each.sender, each.contract) == purse
        )
        return (
            self._balance(turn) + deltas.get(turn, 0) == transaction.nonce
            and self._balance(purse) + deltas.get(purse, 0) >= costs
        )

    def _balance(self, holding: HoldingKey) -> int:
        return self._balances.get(holding, PAYER_FUNDS if holding[0] == self._payer else 0)

    def _apply(self, transaction: FakeTransaction, deltas: dict[HoldingKey, int]) -> bool:
        """Add what a transaction changes; the fee always, the transfers all or none. Say whether it succeeded."""
        trial = dict(deltas)
        if transaction.nonce is not None:
            _add(trial, (transaction.origin, SEQUENCE), 1)
        purse = (transaction.origin, None)
        _add(trial, purse, -min(transaction.fee, self._balance(purse) + trial.get(purse, 0)))
        after_fee = dict(trial)
        for move in transaction.moves:
            _add(trial, (move.sender, move.contract), -move.amount)
            if self._balance((move.sender, move.contract)) + trial[move.sender, move.contract] < 0:
                break
            _add(trial, (move.recipient, move.contract), move.amount)
        else:
            if not transaction.fails:
                deltas.update(trial)
                return True
        deltas.update(after_fee)
        return False

    def _next_id(self) -> str:
        self._counter += 1
        return "0x" + hashlib.sha256(f"{self._name}:{self._counter}".encode()).hexdigest()


def _add(deltas: dict[HoldingKey, int], holding: HoldingKey, amount: int) -> None:
    deltas[holding] = deltas.get(holding, 0) + amount
