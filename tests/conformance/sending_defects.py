"""Adapters that send with one defect each; the conformance suite must find every one."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import (
    Answer,
    Broadcast,
    Consumed,
    Draft,
    Prepared,
    Signed,
    Spend,
    SpendContext,
)
from cloudpay.chains.types import Capability, Transfer, TxState, TxStatus
from cloudpay.testing import FakeChain
from cloudpay.testing.fakepool import Slots
from cloudpay.testing.fakewire import Wire
from cloudpay.testing.ledger import FakeBlock, FakeTransaction
from tests.conformance.drafting_defects import ChangesBytes, ChangesDrafts


class TellsAnotherFee(FakeChain):
    def _status(self, tx_id: str) -> TxStatus:
        status = super()._status(tx_id)
        return replace(status, fee=status.fee + 1) if status.fee else status


class TakesTheFeeFromTheAmount(FakeChain):
    def _tried(self, transaction: FakeTransaction) -> FakeTransaction:
        tried = super()._tried(transaction)
        (move,) = tried.moves
        return replace(tried, moves=(replace(move, amount=move.amount - 1),))


class RaisesForWhatIsKnown(FakeChain):
    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        answers = super().broadcast(signed)
        if any(answer.outcome is Broadcast.KNOWN for answer in answers):
            raise NodeUnavailable(self.network, "already known")
        return answers


class TakesKnownForRejected(FakeChain):
    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        return [
            replace(answer, outcome=Broadcast.REJECTED) if answer.outcome is Broadcast.KNOWN else answer
            for answer in super().broadcast(signed)
        ]


class AnswersInAnyOrder(FakeChain):
    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        return sorted(super().broadcast(signed), key=lambda answer: answer.outcome.value)


class StopsAtTheFirstRejection(FakeChain):
    def _take_in(self, signed: Sequence[Signed]) -> list[Answer]:
        answers: list[Answer] = []
        for each in signed:
            answers += super()._take_in([each])
            if answers[-1].outcome is Broadcast.REJECTED:
                break
        return answers + [answers[-1]] * (len(signed) - len(answers))


class TakesAnySignature(FakeChain):
    def _is_authentic(self, signed: Signed, wire: Wire) -> bool:
        return True


class ConsumedAtTheHead(FakeChain):
    def consumed(self, claims: Collection[str]) -> Consumed:
        told = super().consumed(claims)
        return replace(told, claims=frozenset(each for each in claims if self._is_used(each, self.height)))


class ConsumedNever(FakeChain):
    def consumed(self, claims: Collection[str]) -> Consumed:
        return replace(super().consumed(claims), claims=frozenset())


class ConsumedWhateverIsAsked(FakeChain):
    def consumed(self, claims: Collection[str]) -> Consumed:
        told = super().consumed(claims)
        return replace(told, claims=frozenset(claims)) if told.claims else told


class PromisesAWiderWindow(FakeChain):
    def in_flight(self, sources: Collection[str]) -> Mapping[str, int]:
        return dict.fromkeys(super().in_flight(sources), self.window + 1)


class ForgetsASource(FakeChain):
    def in_flight(self, sources: Collection[str]) -> Mapping[str, int]:
        return super().in_flight(list(sources)[1:])


class CallsARevertASuccess(FakeChain):
    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        closed, self.refusing = self.refusing, set()
        try:
            return super().prepare(spends, context)
        finally:
            self.refusing = closed

    def _status(self, tx_id: str) -> TxStatus:
        status = super()._status(tx_id)
        return replace(status, state=TxState.SUCCEEDED) if status.state is TxState.REVERTED else status


class RefusesAllForOne(FakeChain):
    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        prepared = super().prepare(spends, context)
        return replace(prepared, drafts=()) if prepared.refused else prepared


class NeedsTooLittle(ChangesDrafts):
    def change(self, drafts: Sequence[Draft], context: SpendContext) -> Sequence[Draft]:
        return [
            replace(draft, needs=tuple(replace(need, amount=need.amount // 2) for need in draft.needs))
            for draft in drafts
        ]


class NeedsAnewEachTime(ChangesDrafts):
    _times = itertools.count()

    def change(self, drafts: Sequence[Draft], context: SpendContext) -> Sequence[Draft]:
        return [
            replace(
                draft,
                needs=tuple(replace(need, id=f"{need.id}{next(self._times)}") for need in draft.needs),
            )
            for draft in drafts
        ]


class ReplacesUnderAnotherClaim(FakeChain):
    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        return super().prepare(spends, replace(context, replaces=None))


class ReplacesForTheSamePrice(ChangesBytes):
    def alter_bytes(self, wire: Wire, context: SpendContext) -> Wire:
        return replace(wire, fee=Wire.decode(context.replaces.unsigned).fee) if context.replaces else wire


class ReplacesInWordsAlone(ChangesBytes):
    """It says that it keeps the claim, and its bytes take the next one: both are included."""

    def alter_bytes(self, wire: Wire, context: SpendContext) -> Wire:
        return replace(wire, nonce=wire.nonce + 1) if context.replaces else wire


class ReplacesWhatIsIncluded(FakeChain):
    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        prepared = super().prepare(spends, context)
        return prepared if prepared.drafts or not context.replaces else Prepared((context.replaces,))


class RemembersWhatItHasSent(FakeChain):
    """It answers KNOWN for bytes that it once sent, and a reorganisation has thrown them out since."""

    def _judge(self, signed: Signed, slots: Slots) -> Answer:
        if self.heard.count(signed) > 1:
            return Answer(Broadcast.KNOWN)
        return super()._judge(signed, slots)

    def reorg(self, depth: int, *, drop: Collection[str] = (), remine: bool = True, longer: int = 1) -> None:
        super().reorg(depth, drop=[each.tx_id for each in self.heard], remine=remine, longer=longer)


class RaisesWithoutNodes(FakeChain):
    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        with self._call():
            return super().broadcast(signed)


class TakesSilenceForRejection(FakeChain):
    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        return [
            replace(answer, outcome=Broadcast.REJECTED) if answer.outcome is Broadcast.UNKNOWN else answer
            for answer in super().broadcast(signed)
        ]


class ConsumesNothingWithoutNodes(FakeChain):
    def consumed(self, claims: Collection[str]) -> Consumed:
        try:
            return super().consumed(claims)
        except NodeUnavailable:
            return Consumed(self._ledger.tip.header.ref, frozenset())


class SendsInsideATransaction(FakeChain):
    _sends = False

    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        self._sends = True
        try:
            return super().broadcast(signed)
        finally:
            self._sends = False

    @contextmanager
    def _call(self) -> Iterator[None]:
        if self._sends and not self._down:
            yield
        else:
            with super()._call():
                yield


class SendsAndDoesNotSaySo(FakeChain):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.capabilities &= ~Capability.SENDS


class HidesWhatItSends(FakeChain):
    def _transfers(self, block: FakeBlock) -> Iterator[Transfer]:
        ours = {each.tx_id for each in self.heard}
        return (each for each in super()._transfers(block) if each.tx_id not in ours)
