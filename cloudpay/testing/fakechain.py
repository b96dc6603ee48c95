"""A chain in memory that a test scripts: it mines, reorganises, lies and dies on demand."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from cloudpay.chains.adapter import NodeHealth, Reading
from cloudpay.chains.errors import NodeUnavailable, Unlinked, WrongChain, WrongDecimals
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
from cloudpay.testing.fakesending import FakeSending
from cloudpay.testing.ledger import FakeBlock, Move


class FakeChain(FakeSending):
    """A `SpendingAdapter` over a chain in memory, and beside it the script that a test writes for that chain.

    The script has `send`, `transact`, `mine`, `reorg`, `rewrite`, `fund`, and the faults (`FakeScript`), and what a
    node does with signed transactions (`FakePool`). Only contracts in `settings.assets` are listed; `settings` may be
    replaced, as `fake_plugin` does when the registry opens the network.
    """

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
        return Page(tuple(block.header for block in blocks), wanted, node="fake node")

    def read_again(self, first: int, last: int, watch: Watch, avoid: Collection[str]) -> Reading:
        """Answer the token transfers of final blocks again: in full, unless the script says that it lies then, too."""
        with self._call():
            blocks = self._ledger.blocks[first : min(last, self._visible()) + 1]
            if not blocks:
                raise NodeUnavailable(self.network, f"it has no block {first} yet")
            told = [transfer for block in blocks for transfer in self._transfers(block)]
            found = [] if self.lies_again else [each for each in told if each.source is TransferSource.LOG]
        ours = watch({party for each in found for party in (each.recipient, each.sender) if party})
        wanted = tuple(each for each in found if each.recipient in ours or each.sender in ours)
        return Reading("second node", blocks[-1].header, wanted)

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
        """Answer balances at a block; without HISTORY what waits is in those at the newest one."""
        with self._call():
            if self._ledger.block(at) is None or at.height > self._visible():
                raise Unlinked(at)
            kept = at.height in (self._visible(), self._final_height())
            if Capability.HISTORY not in self.capabilities and not kept:
                raise NodeUnavailable(self.network, f"it keeps no balances of block {at.height}")
            waits = Capability.HISTORY not in self.capabilities and at.height > self._final_height()
            found = {
                each: self._ledger.balance((each.address, each.contract), at.height) for each in holdings
            }
            return {
                each: units + (self._ledger.waiting((each.address, each.contract)) if waits else 0)
                for each, units in found.items()
            }

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
