"""Adapters with one defect each, as chain plugins have had them; the conformance suite must find every one."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.types import (
    BlockRef,
    Capability,
    Head,
    Header,
    Holding,
    Page,
    Statuses,
    Transfer,
    TransferSource,
    TxState,
    TxStatus,
    Watch,
)
from cloudpay.testing import FakeChain
from cloudpay.testing.ledger import FakeBlock, Included, Move


class ChangesPages(FakeChain):
    """A base: each page goes through `change`."""

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        return self.change(super().scan(after, limit, watch))

    def change(self, page: Page) -> Page:
        raise AssertionError("a defect changes something")


class ReportsReverted(FakeChain):
    def _transfers(self, block: FakeBlock) -> Iterator[Transfer]:
        included = tuple(Included(each.transaction, succeeded=True) for each in block.included)
        return super()._transfers(replace(block, included=included))


class DropsSecondTransferOfATransaction(ChangesPages):
    def change(self, page: Page) -> Page:
        first = {each.tx_id: each for each in reversed(page.transfers)}
        return replace(page, transfers=tuple(each for each in page.transfers if each is first[each.tx_id]))


class OverlapsPages(FakeChain):
    def _blocks_after(self, after: BlockRef | None, limit: int) -> list[FakeBlock]:
        blocks = super()._blocks_after(after, limit)
        return [self._ledger.blocks[after.height], *blocks][:limit] if after and blocks else blocks


class SkipsABlock(FakeChain):
    def _blocks_after(self, after: BlockRef | None, limit: int) -> list[FakeBlock]:
        blocks = super()._blocks_after(after, limit + 1)
        return blocks[1:] if len(blocks) > 1 else blocks


class LosesTransfersAtThePageEdge(FakeChain):
    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        page = super().scan(after, limit, watch)
        kept = [each for each in page.transfers if each.block != page.headers[-1].ref]
        return replace(page, transfers=tuple(kept)) if len(page.headers) == limit else page


class IgnoresLimit(FakeChain):
    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        return super().scan(after, 10_000, watch)


class StartsAtTheFirstBlock(FakeChain):
    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        return super().scan(after or self._ledger.blocks[0].header.ref, limit, watch)


class IgnoresParentHash(FakeChain):
    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        try:
            return super().scan(after, limit, watch)
        except Unlinked as error:
            same_height = self._ledger.blocks[error.after.height].header.ref
            return super().scan(same_height, limit, watch)


class KeepsACursorOfItsOwn(FakeChain):
    _cursor: BlockRef | None = None

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        start = max(after, self._cursor) if after and self._cursor else after
        page = super().scan(start, limit, watch)
        self._cursor = page.headers[-1].ref if page.headers else self._cursor
        return page


class MatchesTokensBySymbol(FakeChain):
    def _reports(self, move: Move) -> bool:
        listed = self.settings.assets["USDT"].contract
        return super()._reports(replace(move, contract=listed) if move.contract else move)


class ReportsZero(FakeChain):
    def _reports(self, move: Move) -> bool:
        return super()._reports(replace(move, amount=1))


class FloatAmounts(ChangesPages):
    def change(self, page: Page) -> Page:
        inexact: Any = float
        return replace(
            page, transfers=tuple(replace(each, amount=inexact(each.amount)) for each in page.transfers)
        )


class SixtyFourBitAmounts(ChangesPages):
    def change(self, page: Page) -> Page:
        cut = tuple(replace(each, amount=each.amount % 2**64) for each in page.transfers)
        return replace(page, transfers=cut)


class OnePositionForAll(ChangesPages):
    def change(self, page: Page) -> Page:
        return replace(page, transfers=tuple(replace(each, position=0) for each in page.transfers))


class NewestTransferFirst(ChangesPages):
    def change(self, page: Page) -> Page:
        return replace(page, transfers=page.transfers[::-1])


class SeesOnlyWhatComesIn(FakeChain):
    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        ours: set[str] = set()

        def remember(addresses: Any) -> frozenset[str]:
            answer = watch(addresses)
            ours.update(answer)
            return answer

        page = super().scan(after, limit, remember)
        return replace(page, transfers=tuple(each for each in page.transfers if each.recipient in ours))


class ReportsEverybodysMoney(FakeChain):
    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        return super().scan(after, limit, lambda addresses: watch(addresses) | frozenset(addresses))


class AsksWatchForEveryAddress(FakeChain):
    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        return super().scan(after, limit, lambda asked: frozenset(each for each in asked if watch([each])))


class DoesNotNormalise(FakeChain):
    def _transfers(self, block: FakeBlock) -> Iterator[Transfer]:
        for each in super()._transfers(block):
            yield replace(each, recipient=each.recipient.upper())


class PromisesTracesAndHasNone(FakeChain):
    def _reports(self, move: Move) -> bool:
        return super()._reports(move) and not move.via_contract


class ReportsContractMoneyTwice(ChangesPages):
    def change(self, page: Page) -> Page:
        traced = [each for each in page.transfers if each.source is TransferSource.TRACE]
        doubles = tuple(replace(each, position=each.position + 1_000) for each in traced)
        return replace(page, transfers=(*page.transfers, *doubles))


class HidesTracesItHas(FakeChain):
    """Finds contract-made money, but does not say so: the core would credit it by balance as well."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.capabilities = Capability.TOKENS | Capability.HISTORY

    def _reports(self, move: Move) -> bool:
        return super()._reports(replace(move, via_contract=False))


class FinalBlockFromAnotherNode(FakeChain):
    def head(self) -> Head:
        head = super().head()
        return replace(head, final=BlockRef(head.final.height, "0x" + "ee" * 32))


class FinalAboveTheHead(FakeChain):
    def head(self) -> Head:
        head = super().head()
        return replace(head, final=BlockRef(head.latest.height + 1, head.latest.hash))


class FinalAtOnce(FakeChain):
    def head(self) -> Head:
        head = super().head()
        return replace(head, final=head.latest.ref)


class HeaderFromTheFuture(FakeChain):
    def header_at(self, height: int) -> Header:
        return super().header_at(min(height, self.height))


class BalancesOfTheLatestBlock(FakeChain):
    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        super().balances([], at)
        return super().balances(holdings, self._ledger.tip.header.ref)


class BalancesOfTheBlockBefore(FakeChain):
    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        super().balances([], at)
        return super().balances(holdings, self._ledger.blocks[at.height - 1].header.ref)


class CountsWhatWaits(FakeChain):
    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        found = super().balances(holdings, at)
        return {
            each: units + self._ledger.waiting((each.address, each.contract)) for each, units in found.items()
        }


class BalancesOfReplacedBlocks(FakeChain):
    def balances(self, holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        return super().balances(holdings, self._ledger.blocks[at.height].header.ref)


class FinalOfAnotherMoment(FakeChain):
    def statuses(self, tx_ids: Iterable[str]) -> Statuses:
        return replace(super().statuses(tx_ids), final=self._ledger.tip.header.ref)


class UnknownMeansFailed(FakeChain):
    def _status(self, tx_id: str) -> TxStatus:
        status = super()._status(tx_id)
        return replace(status, state=TxState.REVERTED) if status.state is TxState.UNKNOWN else status


class PendingMeansSucceeded(FakeChain):
    def _status(self, tx_id: str) -> TxStatus:
        status = super()._status(tx_id)
        return replace(status, state=TxState.SUCCEEDED) if status.state is TxState.PENDING else status


class ForgetsTheFeeOfFailures(FakeChain):
    def _status(self, tx_id: str) -> TxStatus:
        status = super()._status(tx_id)
        return replace(status, fee=None) if status.state is TxState.REVERTED else status


class VerifiesNothing(FakeChain):
    def verify(self) -> None:
        super().head()


class TakesSilenceForAnEmptyChain(FakeChain):
    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        try:
            return super().scan(after, limit, watch)
        except NodeUnavailable:
            return Page((), ())


class AsksInsideATransaction(FakeChain):
    @contextmanager
    def _call(self) -> Iterator[None]:
        if self._down:
            self._failures += 1
            raise NodeUnavailable(self.network, self._down)
        yield
