"""Adapters that draft and sign with one defect each; the conformance suite must find every one."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from cloudpay.chains.spending import (
    Answer,
    Draft,
    Explained,
    FeeQuote,
    Payee,
    Prepared,
    Signed,
    Signer,
    Spend,
    SpendContext,
)
from cloudpay.testing import FakeChain
from cloudpay.testing.fakepool import Slots
from cloudpay.testing.fakewire import Wire, id_of


class ChangesDrafts(FakeChain):
    """A base: what is drafted goes through `change`."""

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        prepared = super().prepare(spends, context)
        return replace(prepared, drafts=tuple(self.change(prepared.drafts, context)))

    def change(self, drafts: Sequence[Draft], context: SpendContext) -> Sequence[Draft]:
        raise AssertionError("a defect changes something")


class DraftsASpendTwice(ChangesDrafts):
    def change(self, drafts: Sequence[Draft], context: SpendContext) -> Sequence[Draft]:
        return [*drafts, *drafts[:1]] if len(drafts) > 1 else drafts


class ForgetsASpend(ChangesDrafts):
    def change(self, drafts: Sequence[Draft], context: SpendContext) -> Sequence[Draft]:
        return drafts[:-1] if len(drafts) > 1 else drafts


class NamesNoClaims(ChangesDrafts):
    def change(self, drafts: Sequence[Draft], context: SpendContext) -> Sequence[Draft]:
        return [replace(draft, claims=frozenset()) for draft in drafts]


class SharesAClaim(FakeChain):
    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        single = [FakeChain.prepare(self, [spend], context) for spend in spends]
        return Prepared(
            tuple(draft for each in single for draft in each.drafts),
            tuple(refusal for each in single for refusal in each.refused),
        )


class UsesTakenClaims(FakeChain):
    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        return super().prepare(spends, replace(context, taken=frozenset()))


class RemembersWhatItHasDrafted(FakeChain):
    """It counts for itself: what was drafted and thrown away leaves a gap that nothing behind it gets over."""

    _drafted: frozenset[str] = frozenset()

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        prepared = super().prepare(spends, replace(context, taken=context.taken | self._drafted))
        self._drafted = self._drafted.union(*(draft.claims for draft in prepared.drafts))
        return prepared


class ChangesBytes(ChangesDrafts):
    """A base: the bytes of each draft go through `alter_bytes`."""

    def change(self, drafts: Sequence[Draft], context: SpendContext) -> Sequence[Draft]:
        return [
            replace(draft, unsigned=self.alter_bytes(Wire.decode(draft.unsigned), context).encode())
            for draft in drafts
        ]

    def alter_bytes(self, wire: Wire, context: SpendContext) -> Wire:
        raise AssertionError("a defect changes something")


class PaysMoreThanWasAsked(ChangesBytes):
    def alter_bytes(self, wire: Wire, context: SpendContext) -> Wire:
        return replace(wire, amount=wire.amount + 1)


class PaysTheCoinForTheToken(ChangesBytes):
    def alter_bytes(self, wire: Wire, context: SpendContext) -> Wire:
        return replace(wire, contract=None)


class ExplainsNoPayee(FakeChain):
    def explain(self, raw: bytes) -> Explained:
        return replace(super().explain(raw), payees=())


class HidesACommission(FakeChain):
    def explain(self, raw: bytes) -> Explained:
        told = super().explain(raw)
        return replace(told, payees=(*told.payees, Payee("fake1commission", None, 1)))


class SignsSomethingElse(FakeChain):
    def sign(self, draft: Draft, signer: Signer) -> Signed:
        wire = Wire.decode(draft.unsigned)
        return super().sign(replace(draft, unsigned=replace(wire, amount=wire.amount + 1).encode()), signer)


class SignsForAHigherFee(FakeChain):
    def sign(self, draft: Draft, signer: Signer) -> Signed:
        wire = Wire.decode(draft.unsigned)
        return super().sign(replace(draft, unsigned=replace(wire, fee=wire.fee + 1).encode()), signer)


class ExplainsAnything(FakeChain):
    def explain(self, raw: bytes) -> Explained:
        try:
            return super().explain(raw)
        except ValueError:
            return Explained((), 0, None)


class ExplainsWhatTrailsBehind(FakeChain):
    def explain(self, raw: bytes) -> Explained:
        return super().explain(raw.rstrip(b"\0"))


class IgnoresTheFeeCap(FakeChain):
    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        return super().prepare(spends, replace(context, fee_cap=2**64))


class DraftsNothingUnderACap(FakeChain):
    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        return super().prepare(spends, replace(context, fee_cap=context.fee_cap // 5))


class SignsADifferentTransactionEachTime(FakeChain):
    _times = itertools.count()

    def sign(self, draft: Draft, signer: Signer) -> Signed:
        signed = super().sign(draft, signer)
        return replace(signed, tx_id=f"{signed.tx_id[:-1]}{next(self._times) % 10}")


class KnowsItByTheUnsignedBytes(FakeChain):
    def sign(self, draft: Draft, signer: Signer) -> Signed:
        return replace(super().sign(draft, signer), tx_id=id_of(draft.unsigned))

    def _is_authentic(self, signed: Signed, wire: Wire) -> bool:
        return super()._is_authentic(replace(signed, tx_id=id_of(signed.raw)), wire)

    def _judge(self, signed: Signed, slots: Slots) -> Answer:
        return super()._judge(replace(signed, tx_id=id_of(signed.raw)), slots)


class QuotesNoTokens(FakeChain):
    def fee_quotes(self) -> tuple[FeeQuote, ...]:
        return tuple(quote for quote in super().fee_quotes() if quote.contract is None)


class QuotesTooLittle(FakeChain):
    def fee_quotes(self) -> tuple[FeeQuote, ...]:
        return tuple(replace(quote, fee=quote.fee - 1) for quote in super().fee_quotes())


class QuotesTheSlowDearer(FakeChain):
    def fee_quotes(self) -> tuple[FeeQuote, ...]:
        return tuple(replace(quote, fee=2_000 // quote.fee) for quote in super().fee_quotes())
