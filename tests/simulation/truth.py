"""What truly happened on a chain, whatever was told of it: every block that ever was, and what it paid to whom."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cloudpay.chains.types import BlockRef, Capability
from cloudpay.testing import FakeChain
from cloudpay.testing.ledger import FakeBlock, Move

Group = tuple[str, str, str]
"""Transaction, recipient, asset (empty for the native coin)."""

Identity = tuple[str, str, str, int]
"""A group, and a transfer's number in it."""

MOST_IN_A_GROUP = 64


@dataclass(frozen=True)
class Arrival:
    """Money that arrived, and the block that it came in."""

    amount: int
    block: str


@dataclass(frozen=True)
class TrueBlock:
    """A block of any branch, with what it paid to addresses of ours."""

    hash: str
    parent: str
    height: int
    time: int
    shown: Mapping[Identity, Arrival]
    """What a node that shows as much as this chain's can show names one by one."""
    natives: Counter[str]
    """All native money by address, that which only shows in a balance included."""
    own: Mapping[Identity, Arrival]
    """Native money that a merchant's own addresses sent: no income, but a part of the balance."""


class Truth:
    """The tree of all blocks of one chain, and what lies on the branch that the gateway has read."""

    def __init__(
        self, chain: FakeChain, ours: Mapping[str, object], is_own: Callable[[str, str], bool]
    ) -> None:
        self._chain, self._ours, self._is_own = chain, ours, is_own
        self.blocks: dict[str, TrueBlock] = {}
        self.final: set[str] = set()
        """Hashes that were ever told as final, or lie below one that was."""
        self.highest_told = 0
        self.cursor: str | None = None
        self.floor: int | None = None
        """What lies at this height or below was never read."""
        self.restarts = 0
        """How often a person had the gateway begin anew."""
        self.shown: dict[Identity, Arrival] = {}
        self.natives: Counter[str] = Counter()
        self.own: dict[Identity, Arrival] = {}
        self._unread: set[str] = set()
        """Hashes of the blocks below the one that reading began at, until they are read on demand."""

    def learn(self) -> None:
        """Take in the blocks that are new."""
        for block in reversed(self._chain._ledger.blocks):
            if block.header.hash in self.blocks:
                return
            self.blocks[block.header.hash] = self._read(block)

    def told(self, final: BlockRef, height: int) -> None:
        """Note a head that was told: all up to its final block may be credited."""
        self.learn()
        self.highest_told = max(self.highest_told, height)
        each: str = final.hash
        while each in self.blocks and each not in self.final:
            self.final.add(each)
            each = self.blocks[each].parent

    def is_on_branch(self, block: str, tip: str | None) -> bool:
        """Say whether a block is the tip or below it."""
        height = self.blocks[block].height
        while tip in self.blocks and self.blocks[tip].height > height:
            tip = self.blocks[tip].parent
        return tip == block

    def move(self, cursor: str | None) -> set[Identity]:
        """Follow the gateway to the block that it has read up to; answer what is different there.

        Who begins may be told a block that never was: reading begins when the gateway has noticed.
        """
        if self.cursor is None and cursor not in self.blocks:
            cursor = None
        if cursor == self.cursor:
            return set()
        old, self.cursor = self.cursor, cursor
        if cursor is None or old is None:
            return self._start(cursor)
        gone, come = self._between(old, cursor)
        unread = self._below_all_that_was_read(old, come)
        touched: set[Identity] = set()
        for block in gone:
            touched.update(block.shown)
            for identity in block.shown:
                self.shown.pop(identity, None)
            for identity in block.own:
                self.own.pop(identity, None)
            self.natives.subtract(block.natives)
        for block in reversed(come):
            self.own.update(block.own)
            self.natives.update(block.natives)
            if block.hash in unread:
                continue
            touched.update(block.shown)
            self.shown.update(block.shown)
        self._unread |= unread
        return touched

    def read_again(self) -> set[Identity]:
        """Note that all blocks up to the cursor were read again; answer what is different now."""
        self.floor = 0
        self._unread.clear()
        for block in self._down_from(self.cursor):
            self.shown.update(block.shown)
        return set(self.shown)

    def lies_below(self, identity: Identity, block: str) -> Arrival | None:
        """Answer what arrived in a block of this branch that was read again, though it lies below the beginning."""
        found = self._below(block)
        return None if found is None else found.shown.get(identity)

    def own_unseen(self, address: str, is_hidden: Callable[[Identity, str], bool]) -> int:
        """Answer what own transfers brought to an address, and no node has told: a balance alone shows it, as income.

        That is what a node hides, and what lies below the block that reading began anew at.
        """
        return sum(
            arrival.amount
            for identity, arrival in self.own.items()
            if identity[1] == address
            and (arrival.block in self._unread or is_hidden(identity, arrival.block))
        )

    def of_group(self, group: Group) -> list[Arrival]:
        """Answer what arrived, and was shown, of like transfers of one transaction."""
        found = (self.shown.get((*group, number)) for number in range(MOST_IN_A_GROUP))
        return [each for each in found if each is not None]

    def holds_below(self, group: Group, amount: int, block: str) -> bool:
        """Say whether such a transfer lies in a block that was read again, though below the beginning."""
        found = self._below(block)
        return found is not None and any(
            identity[:3] == group and arrival.amount == amount for identity, arrival in found.shown.items()
        )

    def _below(self, block: str) -> TrueBlock | None:
        found = self.blocks.get(block)
        if found is None or found.height > (self.floor or 0) or not self.is_on_branch(block, self.cursor):
            return None
        return found

    def _down_from(self, tip: str | None) -> Iterator[TrueBlock]:
        while tip in self.blocks:
            yield self.blocks[tip]
            tip = self.blocks[tip].parent

    def _start(self, cursor: str | None) -> set[Identity]:
        """Begin, or begin anew, from a block that itself is not read."""
        touched = set(self.shown)
        self.shown.clear()
        self.natives.clear()
        self.own.clear()
        self._unread.clear()
        if cursor is None:
            self.restarts += 1
            return touched
        self.floor = self.blocks[cursor].height
        for block in self._down_from(cursor):
            self.natives.update(block.natives)
            self.own.update(block.own)
            self._unread.add(block.hash)
        return touched

    def _between(self, old: str, new: str) -> tuple[list[TrueBlock], list[TrueBlock]]:
        """Answer the blocks from `old` down to the fork, and from `new` down to it."""
        gone: list[TrueBlock] = []
        come: list[TrueBlock] = []
        left, right = self.blocks[old], self.blocks[new]
        while left.hash != right.hash:
            if left.height >= right.height:
                gone.append(left)
                left = self.blocks[left.parent]
            else:
                come.append(right)
                right = self.blocks[right.parent]
        return gone, come

    def _below_all_that_was_read(self, old: str, come: Sequence[TrueBlock]) -> set[str]:
        """Answer those of the blocks that came that nobody reads: final ones, as it was told, below the first one read.

        Where all that was read is gone, reading goes on from what was final: a transaction cannot have gone below it,
        but with a chain that broke its word about blocks that were never read.
        """
        floor, fork = self.floor or 0, min((each.height for each in come), default=0) - 1
        if not come or fork >= floor:
            return set()
        final = next((each.height for each in self._down_from(old) if each.hash in self.final), 0)
        self.floor = max(fork, min(floor, final))
        return {each.hash for each in come if each.height <= self.floor}

    def _read(self, block: FakeBlock) -> TrueBlock:
        shown: dict[Identity, Arrival] = {}
        owned: dict[Identity, Arrival] = {}
        natives: Counter[str] = Counter()
        numbers: Counter[tuple[str, str, str]] = Counter()
        header = block.header
        for each in block.included:
            for move in each.transaction.moves if each.succeeded else ():
                if move.recipient not in self._ours or move.amount == 0:
                    continue
                own = self._is_own(move.sender, move.recipient)
                if move.contract is None and not own:
                    natives[move.recipient] += move.amount
                if self._is_shown(move):
                    group = (each.transaction.id, move.recipient, move.contract or "")
                    if not own:
                        shown[*group, numbers[group]] = Arrival(move.amount, header.hash)
                    elif move.contract is None:
                        owned[*group, numbers[group]] = Arrival(move.amount, header.hash)
                    numbers[group] += 1
        return TrueBlock(header.hash, header.parent, header.height, header.time, shown, natives, owned)

    def _is_shown(self, move: Move) -> bool:
        if move.contract is not None:
            return move.contract in {each.contract for each in self._chain.settings.assets.values()}
        return not move.via_contract or Capability.TRACES in self._chain.capabilities
