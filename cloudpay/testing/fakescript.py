"""The script of a fake chain: what a test has its payers, miners, reorganisations and nodes do."""

import threading
from collections.abc import Callable, Collection, Sequence

from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import BlockRef, Capability
from cloudpay.testing.clock import start_time
from cloudpay.testing.ledger import PAYER, FakeBlock, FakeLedger, FakeTransaction, Move

FEE = 21
CAPABILITIES = (
    Capability.TOKENS | Capability.TRACES | Capability.HISTORY | Capability.REPLACEABLE | Capability.SENDS
)
"""What a fake chain can do unless a test takes something away."""


class FakeScript:
    """Payers, blocks, reorganisations and faults; `FakeChain` answers, as an adapter, what comes of them."""

    def __init__(
        self,
        network: str = "fake",
        settings: NetworkSettings | None = None,
        *,
        capabilities: Capability = CAPABILITIES,
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
        self.lies_again = False
        """Whether the node that reads a second time, with the capability SECOND_READING, shows no token transfers."""
        self._ledger = FakeLedger(network, unix, self.payer)
        self._lock = threading.RLock()
        self._down = ""
        self._failures = 0
        self._lie: bool | None = None
        self._frozen_head: int | None = None
        self._frozen_final: int | None = None
        self._backwards = 0

    # Payers and blocks

    def fund(self, address: str, amount: int, contract: str | None = None) -> None:
        """Give an address money that it always had, by no transfer."""
        with self._lock:
            self._ledger.fund((address, contract), amount)

    def spendable(self, address: str, contract: str | None = None) -> int:
        """Answer what an address has at the tip, less what waits to be sent from it."""
        with self._lock:
            there = self._ledger.balance((address, contract), self.height)
            waiting = (move for each in self._ledger.mempool.values() for move in each.moves)
            return there - sum(
                move.amount for move in waiting if (move.sender, move.contract) == (address, contract)
            )

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

    def mine(self, n: int = 1, *, leave: Collection[str] = ()) -> BlockRef:
        """Mine `n` blocks, the first with all that waits but what is to be left; answer the first."""
        with self._lock:
            first = self._ledger.append(self._minable(leave))
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
            returned = self._minable() if remine else []
            if returned:  # the payer's transfer to itself moves every position
                filler = self.send(self.payer, 1)
                returned.insert(0, self._ledger.mempool[filler])
            self._ledger.append(returned)

    def rewrite(self, depth: int, blocks: Sequence[Collection[str]], *, drop: Collection[str] = ()) -> None:
        """Replace the newest `depth` blocks by these, each given by its transactions' ids in their new order.

        What was in the old blocks and is in none of the new ones waits in the mempool, except what is in `drop`.
        """
        with self._lock:
            if depth:
                self._ledger.unwind(depth, drop)
            for ids in blocks:
                self._ledger.append([self._ledger.mempool[each] for each in ids])

    def alter(self, tx_id: str, *moves: Move, fails: bool = False) -> None:
        """Have a waiting transaction move something else, or fail, when it is included (again), as a swap may."""
        with self._lock:
            self._ledger.alter(tx_id, moves, fails)

    def branch(self) -> tuple[FakeBlock, ...]:
        """Answer the chain as it is now, to `switch` back to."""
        with self._lock:
            return tuple(self._ledger.blocks)

    def switch(self, branch: Sequence[FakeBlock]) -> None:
        """Go over to a branch that was the chain before: the very same blocks, with the same hashes."""
        with self._lock:
            self._ledger.switch(branch)

    # Faults

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

    # Inside

    def _minable(self, leave: Collection[str] = ()) -> list[FakeTransaction]:
        return [each for each in self._ledger.mempool.values() if each.id not in leave]

    def _visible(self) -> int:
        tip = self.height
        known = tip if self._frozen_head is None else min(tip, self._frozen_head)
        return max(0, known - self._backwards)

    def _final_height(self) -> int:
        final = max(0, self._visible() - self.settings.confirmations + 1)
        return final if self._frozen_final is None else min(final, self._frozen_final)
