"""What merchants do: pay, the same again, otherwise, confirm, take back; and what comes to their master wallet."""

from dataclasses import replace
from decimal import Decimal
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import select

from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.errors import CloudPayError
from cloudpay.ledger.types import InsufficientFunds
from cloudpay.payouts.decisions import Decision, decide_batch, decide_payout
from cloudpay.payouts.errors import (
    NotConfirmable,
    PayoutIdReused,
    PayoutIdsMixed,
    PayoutLimitExceeded,
    PayoutNotCancellable,
)
from cloudpay.payouts.known import payouts_of
from cloudpay.payouts.limiting import set_limits
from cloudpay.payouts.models import PayoutRow
from cloudpay.payouts.views import NewBatch, NewItem
from cloudpay.testing import fake_address
from tests.properties.ledger_of_truth import Item
from tests.properties.office import NETWORK
from tests.properties.opened import ACTOR, Opened

amounts = st.integers(1, 10**5)
payments = st.tuples(st.sampled_from(("ETH", "USDT")), amounts, st.sampled_from(FeeTier))


class Merchants(Opened):
    """Rules of those who ask."""

    @rule(
        items=st.lists(payments, min_size=1, max_size=4),
        at_once=st.booleans(),
    )
    def post(self, items: list[tuple[str, int, FeeTier]], at_once: bool) -> None:
        """A merchant pays."""
        new = NewBatch(
            tuple(self._item(*each) for each in items), auto_confirm=at_once, single=len(items) == 1
        )
        try:
            told = self.office.post(new)
        except (InsufficientFunds, PayoutLimitExceeded):
            return
        self._accepted(new, told)

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 20))
    def post_again(self, which: int) -> None:
        """The same once more is answered the same, and nothing is done."""
        batch, told, _id = self._batch(which)
        assert self.office.post(batch) == told

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 20), units=amounts)
    def post_otherwise(self, which: int, units: int) -> None:
        """Another content under known ids is refused, and so is a batch that mixes known and new ids."""
        batch, _told, _id = self._batch(which)
        first, *others = batch.items
        other = replace(first, amount=first.amount + Decimal(units))
        self._refused(replace(batch, items=(other, *others)), PayoutIdReused)
        mixed = replace(batch, items=(*batch.items, self._item("ETH", units, FeeTier.LOW)), single=False)
        self._refused(mixed, PayoutIdsMixed)

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 20), whole=st.booleans())
    def confirm(self, which: int, whole: bool) -> None:
        """A merchant lets a batch or one of its payouts go."""
        who, (batch_id, payout_id) = (self.office.gateway, self.office.principal), self._ids(which)
        if whole:
            confirm = partial(decide_batch, *who, Decision.CONFIRM, batch_id, None, _no_text)
        else:
            confirm = partial(decide_payout, *who, Decision.CONFIRM, payout_id, None, _no_text)
        self.office.run(confirm, NotConfirmable, PayoutLimitExceeded)

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 20), whole=st.booleans())
    def cancel(self, which: int, whole: bool) -> None:
        """A merchant takes a batch or one of its payouts back, where it is not signed yet."""
        who, (batch_id, payout_id) = (self.office.gateway, self.office.principal), self._ids(which)
        if whole:
            cancel = partial(decide_batch, *who, Decision.CANCEL, batch_id, None, _no_text)
        else:
            cancel = partial(decide_payout, *who, Decision.CANCEL, payout_id, None, _no_text)
        self.office.run(cancel, PayoutNotCancellable)

    @rule(units=st.one_of(st.none(), st.integers(10, 10**6)), kind=st.sampled_from(("payout", "day")))
    def limit(self, units: int | None, kind: str) -> None:
        """Somebody limits what the merchant may pay, or takes the limit away."""
        rules = []
        for symbol, decimals in (("ETH", 18), ("USDT", 6)):
            amount = "none" if units is None else f"{Decimal(units).scaleb(-decimals):f}"
            rules.append(f"{symbol}@{NETWORK}={amount}/{kind}")
        who = self.office.principal.merchant_id
        self.office.run(partial(set_limits, self.office.gateway, who, rules, key_id=None, actor=ACTOR))

    @rule(symbol=st.sampled_from(("ETH", "USDT")), units=amounts)
    def fund(self, symbol: str, units: int) -> None:
        """Money comes to the master wallet."""
        self.put(symbol, units)

    # Inside

    def _item(self, symbol: str, units: int, tier: FeeTier) -> NewItem:
        self.named += 1
        name, decimals = f"pay-{self.named}", self.office.network.asset(symbol).decimals
        amount = Decimal(units).scaleb(-decimals)
        return NewItem(name, fake_address(f"recipient {name}"), amount, NETWORK, symbol, tier)

    def _accepted(self, new: NewBatch, told: str) -> None:
        for each in new.items:
            asset = self.office.network.asset(str(each.currency))
            units = int(each.amount.scaleb(asset.decimals))
            self.truth.items[each.external_id] = Item(each.external_id, asset.key, units, each.address)
        with self.office.gateway.db.read() as session:
            first = select(PayoutRow.batch_id).where(PayoutRow.external_id == new.items[0].external_id)
            self.batches.append((new, told, session.scalars(first).one()))

    def _batch(self, which: int) -> tuple[NewBatch, str, str]:
        return self.batches[which % len(self.batches)]

    def _ids(self, which: int) -> tuple[str, str]:
        batch, _told, batch_id = self._batch(which)
        with self.office.gateway.db.read() as session:
            payouts = [each.id for each in payouts_of(session, batch_id)]
        return batch_id, payouts[which % len(batch.items)]

    def _refused(self, batch: NewBatch, error: type[CloudPayError]) -> None:
        try:
            self.office.post(batch)
        except error:
            return
        raise AssertionError(f"{batch} was accepted")


def _no_text(_view: object) -> str:
    return "{}"
