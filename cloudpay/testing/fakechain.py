"""A chain in memory that a test scripts: it mines, reorganises, lies and dies on demand."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from cloudpay.chains.adapter import NodeHealth
from cloudpay.chains.errors import NodeUnavailable, Unlinked, WrongChain, WrongDecimals
from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import (
    BlockRef,
    Capability,
    Head,
    Header,
    Holding,
    Page,
    PendingTransfer,
    Statuses,
    Transfer,
    TransferSource,
    TxState,
    TxStatus,
    Watch,
)
from cloudpay.kernel.db import refuse_inside_transaction
from cloudpay.testing.clock import start_time
from cloudpay.testing.ledger import PAYER, FakeBlock, FakeLedger, Move

FEE = 21


class FakeChain:
    """A `ChainAdapter` over a chain in memory, and beside it the script that a test writes for that chain.

    Script: `send`, `transact`, `mine`, `reorg`, `fund`, and the faults. Only contracts in `settings.assets` are listed;
    `settings` may be replaced, as `fake_plugin` does when the registry opens the network.
    """

    def __init__(
        self,
        network: str = "fake",
        settings: NetworkSettings | None = None,
        *,
        capabilities: Capability = Capability.TOKENS | Capability.TRACES | Capability.HISTORY,
        unix: Callable[[], int] = start_time,
        payer: str = PAYER,
    ) -> None:
        self.network, self.payer = network, payer
        self.capabilities = capabilities
        self.settings = settings or NetworkSettings()
        self.delay = 0.0
        """Seconds that every call takes."""
        self.wrong_chain = False
        """Whether the node turns out to serve another chain."""
        self.wrong_decimals: dict[str, int] = {}
        """Decimals by symbol that the chain tells instead of the listed ones."""
        self._ledger = FakeLedger(network, unix, self.payer)
        self._lock = threading.RLock()
        self._down = ""
        self._failures = 0
        self._lie: bool | None = None
        self._frozen_head: int | None = None
        self._frozen_final: int | None = None
        self._backwards = 0

    # The script

    def fund(self, address: str, amount: int, contract: str | None = None) -> None:
        """Give an address money that it always had, by no transfer."""
        with self._lock:
            self._ledger.fund((address, contract), amount)

    def send(
        self,
        to: str,
        amount: int,
        contract: str | None = None,
        sender: str | None = None,
        *,
        via_contract: bool = False,
        fails: bool = False,
        origin: str | None = None,
    ) -> str:
        """Put one transfer into the mempool and answer its transaction's id; `mine()` includes it.

        `origin` signs and pays the fee: the sender for the native coin, the payer for a token, unless named.
        """
        sender = sender or self.payer
        signer = origin or (self.payer if contract else sender)
        return self.transact(Move(sender, to, amount, contract, via_contract), fails=fails, origin=signer)

    def transact(self, *moves: Move, fails: bool = False, origin: str | None = None) -> str:
        """Put a transaction of many transfers into the mempool; raises `ValueError` when a sender is short."""
        with self._lock:
            return self._ledger.submit(moves, origin or self.payer, FEE, fails)

    def mine(self, n: int = 1) -> BlockRef:
        """Mine `n` blocks, the first with all that waits; answer the first."""
        with self._lock:
            first = self._ledger.append(list(self._ledger.mempool.values()))
            for _ in range(n - 1):
                self._ledger.append(())
            return first.header.ref

    def reorg(self, depth: int, *, drop: Collection[str] = (), remine: bool = True, longer: int = 1) -> None:
        """Replace the newest `depth` blocks by others, `longer` more of them.

        Their transactions come back in the last new block, each in another position; those in `drop` never come
        back, and with `remine=False` the others wait in the mempool for the next `mine()`.
        """
        with self._lock:
            self._ledger.unwind(depth, drop)
            for _ in range(depth + longer - 1):
                self._ledger.append(())
            returned = list(self._ledger.mempool.values()) if remine else []
            if returned:  # the payer's transfer to itself moves every position
                filler = self.send(self.payer, 1)
                returned.insert(0, self._ledger.mempool[filler])
            self._ledger.append(returned)

    def go_down(self, reason: str = "connection refused") -> None:
        """Have every call raise `NodeUnavailable` until `come_back()`."""
        self._down = reason

    def come_back(self) -> None:
        """Have the node answer again, truly and with its newest head."""
        self._down, self._lie, self._frozen_head, self._frozen_final, self._backwards = (
            "",
            None,
            None,
            None,
            0,
        )

    def freeze_head(self) -> None:
        """Have the node tell the present head for ever, while the chain goes on."""
        self._frozen_head = self._visible()

    def freeze_final(self) -> None:
        """Have the node tell the present final height for ever, while the head moves."""
        self._frozen_final = self._final_height()

    def head_backwards(self, n: int) -> None:
        """Have the node stay `n` blocks behind, as one does that has just been switched over to."""
        self._backwards = n

    def lie_empty_logs(self, *, noticed: bool = True) -> None:
        """Have the node answer no logs where there are some; an adapter that holds them against the bloom notices."""
        self._lie = noticed

    @property
    def height(self) -> int:
        """The height of the chain's true tip, whatever the node tells."""
        return self._ledger.tip.header.height

    @property
    def mempool(self) -> tuple[str, ...]:
        """The ids of the transactions that wait."""
        return tuple(self._ledger.mempool)

    # The adapter

    def verify(self) -> None:
        """Raise what the script says is wrong."""
        with self._call():
            if self.wrong_chain:
                raise WrongChain(self.network, "fake node", self.network, "another")
            for symbol, asset in self.settings.assets.items():
                found = self.wrong_decimals.get(symbol, asset.decimals)
                if found != asset.decimals:
                    raise WrongDecimals(self.network, symbol, asset.decimals, found)

    def head(self) -> Head:
        """Answer the newest and the final block that the node tells."""
        with self._call():
            blocks = self._ledger.blocks
            final = blocks[self._final_height()].header.ref
            return Head(blocks[self._visible()].header, final, self.settings.finality, "fake node")

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        """Answer the blocks after `after`; none when the node is not further than that."""
        with self._call():
            blocks = self._blocks_after(after, limit)
            found = [transfer for block in blocks for transfer in self._transfers(block)]
            if self._lie is not None and any(each.source is TransferSource.LOG for each in found):
                if self._lie:
                    raise NodeUnavailable(self.network, "it answers no logs where the block's bloom has some")
                found = [each for each in found if each.source is not TransferSource.LOG]
        addresses = {each.recipient for each in found} | {each.sender for each in found if each.sender}
        ours = watch(addresses) if addresses else frozenset()
        wanted = tuple(each for each in found if each.recipient in ours or each.sender in ours)
        return Page(tuple(block.header for block in blocks), wanted)

    def header_at(self, height: int) -> Header:
        """Answer the header at a height that the node has."""
        with self._call():
            if not 0 <= height <= self._visible():
                raise NodeUnavailable(self.network, f"it has no block {height} yet")
            return self._ledger.blocks[height].header

    def pending(self, watch: Watch) -> tuple[PendingTransfer, ...]:
        """Answer what waits in the mempool for us."""
        with self._call():
            found = [
                PendingTransfer(each.id, move.contract, move.sender, move.recipient, move.amount)
                for each in self._ledger.mempool.values()
                for move in each.moves
                if self._reports(move)
            ]
        ours = watch({each.recipient for each in found}) if found else frozenset()
        return tuple(each for each in found if each.recipient in ours)

    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        """Answer balances at a block."""
        with self._call():
            if self._ledger.block(at) is None or at.height > self._visible():
                raise Unlinked(at)
            kept = at.height in (self._visible(), self._final_height())
            if Capability.HISTORY not in self.capabilities and not kept:
                raise NodeUnavailable(self.network, f"it keeps no balances of block {at.height}")
            return {each: self._ledger.balance((each.address, each.contract), at.height) for each in holdings}

    def statuses(self, tx_ids: Iterable[str]) -> Statuses:
        """Answer what the chain knows of each transaction."""
        with self._call():
            final = self._ledger.blocks[self._final_height()].header.ref
            return Statuses(final, {tx_id: self._status(tx_id) for tx_id in tx_ids})

    def health(self) -> tuple[NodeHealth, ...]:
        """Answer whether the one node is up."""
        score = 0 if self._down else 100
        return (NodeHealth("fake node", score, self._failures, self._down or None),)

    def close(self) -> None:
        """Keep everything: a chain outlives its connections."""

    # Inside

    @contextmanager
    def _call(self) -> Iterator[None]:
        refuse_inside_transaction("a node")
        if self.delay:
            time.sleep(self.delay)
        if self._down:
            self._failures += 1
            raise NodeUnavailable(self.network, self._down)
        with self._lock:
            yield

    def _visible(self) -> int:
        tip = self.height
        known = tip if self._frozen_head is None else min(tip, self._frozen_head)
        return max(0, known - self._backwards)

    def _final_height(self) -> int:
        final = max(0, self._visible() - self.settings.confirmations + 1)
        return final if self._frozen_final is None else min(final, self._frozen_final)

    def _blocks_after(self, after: BlockRef | None, limit: int) -> list[FakeBlock]:
        blocks = self._ledger.blocks[: self._visible() + 1]
        if after is None:
            return blocks[-1:]
        if after.height < len(blocks) and self._ledger.block(after) is None:
            raise Unlinked(after)
        return blocks[after.height + 1 :][:limit]

    def _transfers(self, block: FakeBlock) -> Iterator[Transfer]:
        position = 0
        for each in block.included:
            for move in each.transaction.moves:
                position += 1
                if each.succeeded and self._reports(move):
                    source = TransferSource.LOG if move.contract else TransferSource.NATIVE
                    yield Transfer(
                        tx_id=each.transaction.id,
                        contract=move.contract,
                        sender=move.sender,
                        recipient=move.recipient,
                        amount=move.amount,
                        block=block.header.ref,
                        position=position,
                        source=TransferSource.TRACE if move.via_contract else source,
                    )

    def _reports(self, move: Move) -> bool:
        if move.amount == 0 or (move.via_contract and Capability.TRACES not in self.capabilities):
            return False
        return move.contract is None or move.contract in {
            asset.contract for asset in self.settings.assets.values()
        }

    def _status(self, tx_id: str) -> TxStatus:
        found = self._ledger.find(tx_id)
        if found is None or found[0].header.height > self._visible():
            waits = tx_id in self._ledger.mempool or found is not None
            return TxStatus(tx_id, TxState.PENDING if waits else TxState.UNKNOWN)
        block, included = found
        state = TxState.SUCCEEDED if included.succeeded else TxState.REVERTED
        return TxStatus(tx_id, state, block.header.ref, included.transaction.fee)
