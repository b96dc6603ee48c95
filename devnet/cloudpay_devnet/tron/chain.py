"""The chain: what waits, what is in blocks, and how the one becomes the other."""

import threading
import time
from collections.abc import Callable

from cloudpay_devnet.tron import blocks
from cloudpay_devnet.tron.errors import (
    DuplicateError,
    ExpiredError,
    RefusedError,
    ServerBusyError,
)
from cloudpay_devnet.tron.execution import carry_out
from cloudpay_devnet.tron.founding import founding_transactions
from cloudpay_devnet.tron.framing import check_frame
from cloudpay_devnet.tron.genesis import CHAIN_START_MS, first_block, first_world, witness_of_branch
from cloudpay_devnet.tron.parameters import SLOT_MS
from cloudpay_devnet.tron.store import KEPT_WORLDS, Store, StoredBlock
from cloudpay_devnet.tron.transactions import id_of
from cloudpay_devnet.tron.world import Moment, World
from cloudpay_tron.protocol import tron_pb2 as tron

_MOST_PENDING = 2_000


class Chain:
    """One chain with its store. `lock` guards everything; `world` is the head with what waits applied to it."""

    def __init__(self, store: Store, *, block_ms: int | None = None) -> None:
        self.store = store
        self.block_ms = block_ms
        self.lock = threading.RLock()
        self.pending: dict[bytes, tron.Transaction] = {}
        self._open()

    def _open(self) -> None:
        store = self.store
        begins = store.height() < 0
        if begins:
            store.add(first_block(), first_world().dump())
        self.head = self.block(store.height())
        self.world = self.world_at(self.head.number)
        if begins:
            self._found()
        waiting = [tron.Transaction.FromString(body) for body in store.pending()]
        self._take_again(waiting)

    def reset(self) -> None:
        """Begin anew."""
        with self.lock:
            self.store.clear()
            self.pending.clear()
            self._open()
            self.produce()

    def _found(self) -> None:
        """Deploy what every development chain has, and bury it under the solid block."""
        for transaction in founding_transactions():
            self.pending[id_of(transaction)] = transaction
        for _ in range(self.world.parameters.solid_lag + 1):
            self.produce(at=self.head.timestamp + SLOT_MS)

    def block(self, number: int) -> StoredBlock:
        """The block at a height; raises LookupError."""
        stored = self.store.block(number)
        if stored is None:
            raise LookupError(f"The chain has no block {number}")
        return stored

    def world_at(self, number: int) -> World:
        """What the chain knew after a block; raises KeyError when that is too long ago."""
        return World.load(self.store.world(number))

    @property
    def genesis_id(self) -> bytes:
        """The first block's id: which chain this is."""
        return self.block(0).id

    @property
    def solid(self) -> int:
        """The last block that no fork takes back."""
        return max(0, self.head.number - self.world.parameters.solid_lag)

    def now(self) -> int:
        """The clock of the chain in milliseconds: the machine's, and what it was moved by."""
        return time.time_ns() // 1_000_000 + self.store.fact("clock_ms")

    def moment(self, timestamp: int | None = None) -> Moment:
        """The next block."""
        return Moment(
            number=self.head.number + 1,
            timestamp=self._next_timestamp() if timestamp is None else timestamp,
            head_timestamp=self.head.timestamp,
            genesis_timestamp=CHAIN_START_MS,
            witness=witness_of_branch(self.store.fact("branch")).address,
            chain_id=int.from_bytes(self.genesis_id, "big"),
        )

    def _next_timestamp(self) -> int:
        now = self.now()
        if self.block_ms:
            now -= now % self.block_ms
        return max(now, self.head.timestamp + 1)

    def broadcast(self, transaction: tron.Transaction) -> bytes:
        """Take a transaction; raises RefusedError. It is carried out now and again in its block."""
        with self.lock:
            transaction_id = id_of(transaction)
            if len(self.pending) >= _MOST_PENDING:
                raise ServerBusyError("too many transactions wait")
            if transaction_id in self.pending or self.store.place_of(transaction_id) is not None:
                raise DuplicateError("Dup transaction.")
            check_frame(self.store, self.head, transaction)
            carry_out(self.world, self.moment(), transaction)
            self.pending[transaction_id] = transaction
            self.store.add_pending(transaction_id, transaction.SerializeToString())
            return transaction_id

    def produce(self, *, empty: bool = False, at: int | None = None) -> StoredBlock:
        """Make the next block of all that waits, or of nothing; now, or at a time in milliseconds."""
        with self.lock:
            moment = self.moment(at)
            taken: list[tron.Transaction] = []
            infos: list[tron.TransactionInfo] = []
            dumped = None
            if self.pending and not empty:
                world = self.world_at(self.head.number)
                for transaction_id, transaction in list(self.pending.items()):
                    try:
                        infos.append(self._carry_out_in_block(world, moment, transaction))
                    except RefusedError:
                        self._forget(transaction_id)
                    else:
                        taken.append(transaction)
                dumped = world.dump() if taken else None
            for info in infos:
                self._forget(info.id)
            witness = witness_of_branch(self.store.fact("branch"))
            made = blocks.make(moment.number, moment.timestamp, self.head.id, taken, infos, witness)
            self._append(made, dumped)
            return made

    def _carry_out_in_block(
        self, world: World, moment: Moment, transaction: tron.Transaction
    ) -> tron.TransactionInfo:
        if transaction.raw_data.expiration <= self.head.timestamp:
            raise ExpiredError("Transaction expired")
        return carry_out(world, moment, transaction)

    def _forget(self, transaction_id: bytes) -> None:
        self.pending.pop(transaction_id, None)
        self.store.drop_pending(transaction_id)

    def _rebuild(self) -> None:
        """Apply what waits to the head again."""
        self.world = self.world_at(self.head.number)
        self._take_again(list(self.pending.values()))

    def _take_again(self, waiting: list[tron.Transaction]) -> None:
        self.pending.clear()
        for transaction in waiting:
            transaction_id = id_of(transaction)
            try:
                check_frame(self.store, self.head, transaction)
                carry_out(self.world, self.moment(), transaction)
            except RefusedError:
                self.store.drop_pending(transaction_id)
            else:
                self.pending[transaction_id] = transaction
                self.store.add_pending(transaction_id, transaction.SerializeToString())

    def fork(self, depth: int, *, lose: bool = False, blocks_after: int | None = None) -> list[bytes]:
        """Replace the last blocks by longer, empty ones; return the ids of the transactions that were in them.

        They wait again, or are lost. The blocks that a chain begins with stay.
        """
        with self.lock:
            most = min(KEPT_WORLDS, self.head.number - self.world.parameters.solid_lag - 1)
            if not 0 < depth <= most:
                raise ValueError(f"A fork takes back 1 to {most} blocks here, not {depth}")
            dropped = [
                each
                for number in range(self.head.number - depth + 1, self.head.number + 1)
                for each in self.block(number).block.transactions
            ]
            waiting = list(self.pending.values())
            self.store.cut(self.head.number - depth)
            self.store.set_fact("branch", self.store.fact("branch") + 1)
            self.head = self.block(self.store.height())
            self.world = self.world_at(self.head.number)
            self._take_again([*([] if lose else dropped), *waiting])
            for _ in range(depth + 1 if blocks_after is None else blocks_after):
                self.produce(empty=True)
            return [id_of(each) for each in dropped]

    def lose(self, transaction_id: bytes) -> bool:
        """Forget a transaction that waits, as a network does that never passed it on."""
        with self.lock:
            known = transaction_id in self.pending
            self._forget(transaction_id)
            self._rebuild()
            return known

    def pass_time(self, seconds: float) -> None:
        """Move the chain's clock."""
        with self.lock:
            self.store.set_fact("clock_ms", self.store.fact("clock_ms") + round(seconds * 1000))

    def amend(self, change: Callable[[World], None]) -> StoredBlock:
        """Change what the chain knows in a block of its own, as a vote of the network or a gift of the genesis does."""
        with self.lock:
            world = self.world_at(self.head.number)
            change(world)
            moment, witness = self.moment(), witness_of_branch(self.store.fact("branch"))
            made = blocks.make(moment.number, moment.timestamp, self.head.id, [], [], witness)
            self._append(made, world.dump())
            return made

    def _append(self, made: StoredBlock, dumped: bytes | None) -> None:
        self.store.add(made, dumped)
        self.head = made
        self._rebuild()
