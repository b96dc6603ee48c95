"""Money out against chance: a state machine whose rules are what merchants, nodes, miners, thieves and crashes do."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cloudpay.chains.spending import Broadcast, FeeTier
from cloudpay.kernel import failpoints
from cloudpay.kernel.errors import CloudPayError, Conflict
from cloudpay.ledger.types import InsufficientFunds
from cloudpay.payments.networks import network_views, resume
from cloudpay.payouts import decisions
from cloudpay.payouts.errors import (
    NotConfirmable,
    PayoutIdReused,
    PayoutIdsMixed,
    PayoutLimitExceeded,
    PayoutNotCancellable,
)
from cloudpay.payouts.known import payouts_of
from cloudpay.payouts.limiting import set_limits
from cloudpay.payouts.views import NewBatch, NewItem
from cloudpay.testing import fake_address
from cloudpay.transactions.control import NotFrozen, NotReconciled, freeze, frozen_networks, thaw
from tests.properties.ledger_of_truth import Item, Truth
from tests.properties.office import NETWORK, PLACES, Ground, Office

FUNDS = {"ETH": 10**9, "USDT": 10**9}
_THIEF = fake_address("thief")
_SPIKE = 10**17
_ACTOR = "cli:test"
_ROUNDS = 40
_DEEP = 6

amounts = st.integers(1, 10**5)
counts = st.integers(1, 4)


class MoneyOut(RuleBasedStateMachine):
    """One office; `ground` and `steps` are set by whoever runs it."""

    ground: ClassVar[Ground]
    steps: ClassVar[int] = 0

    @initialize()
    def open(self) -> None:
        """Open an office with money in its master wallet."""
        failpoints.disarm()
        self.office = Office(self.ground)
        self.truth = Truth(self.office)
        self.batches: list[tuple[NewBatch, str, str]] = []
        self.named = 0
        self.lying = False
        self.lowest = 0
        """The height above which blocks may be replaced: what a person has judged by stays."""
        for symbol, units in FUNDS.items():
            self._fund(symbol, units)
        self.office.chain.mine(5)
        self.office.look()
        self.office.look()

    # Merchants

    @rule(
        items=st.lists(
            st.tuples(st.sampled_from(("ETH", "USDT")), amounts, st.sampled_from(FeeTier)),
            min_size=1,
            max_size=4,
        ),
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
        batch_id, payout_id = self._ids(which)
        work: Callable[[], object] = (
            partial(decisions.confirm_batch, *self._who, batch_id, None, _no_text)
            if whole
            else partial(decisions.confirm_payout, *self._who, payout_id, None, _no_text)
        )
        self.office.run(work, NotConfirmable, PayoutLimitExceeded)

    @precondition(lambda self: self.batches)
    @rule(which=st.integers(0, 20), whole=st.booleans())
    def cancel(self, which: int, whole: bool) -> None:
        """A merchant takes a batch or one of its payouts back, where it is not signed yet."""
        batch_id, payout_id = self._ids(which)
        work: Callable[[], object] = (
            partial(decisions.cancel_batch, *self._who, batch_id, None, _no_text)
            if whole
            else partial(decisions.cancel_payout, *self._who, payout_id, None, _no_text)
        )
        self.office.run(work, PayoutNotCancellable)

    @rule(units=st.one_of(st.none(), st.integers(10, 10**6)), kind=st.sampled_from(("payout", "day")))
    def limit(self, units: int | None, kind: str) -> None:
        """Somebody limits what the merchant may pay, or takes the limit away."""
        rules = []
        for symbol, decimals in (("ETH", 18), ("USDT", 6)):
            amount = "none" if units is None else f"{Decimal(units).scaleb(-decimals):f}"
            rules.append(f"{symbol}@{NETWORK}={amount}/{kind}")
        set_limits(self.office.gateway, self.office.principal.merchant_id, rules, key_id=None, actor=_ACTOR)

    @rule(symbol=st.sampled_from(("ETH", "USDT")), units=amounts)
    def fund(self, symbol: str, units: int) -> None:
        """Money comes to the master wallet."""
        self._fund(symbol, units)

    # The gateway's processes

    @rule(passes=counts)
    def send(self, passes: int) -> None:
        """The sender does its passes."""
        self.office.send(passes)

    @rule()
    def look(self) -> None:
        """The watcher looks."""
        self.office.look()

    @rule()
    def hand_on(self) -> None:
        """Events are handed on."""
        self.office.hand_on()

    @rule(place=st.sampled_from(PLACES), passage=st.integers(1, 3))
    def crash(self, place: failpoints.Failpoint, passage: int) -> None:
        """Whoever comes by a place next dies there."""
        self.office.arm(place, passage)

    @rule(seconds=st.sampled_from((1, 6, 61, 91)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self._pass_time(seconds)

    # Blocks and nodes

    @rule(blocks=counts)
    def mine(self, blocks: int) -> None:
        """Blocks come."""
        self.office.chain.mine(blocks)

    @rule(depth=st.integers(1, 2), remine=st.booleans(), drop=st.booleans())
    def reorganise(self, depth: int, remine: bool, drop: bool) -> None:
        """Blocks that were not final are replaced."""
        self._reorganise(depth, remine=remine, drop=drop)

    @rule(depth=st.integers(3, _DEEP), remine=st.booleans(), drop=st.booleans())
    def reorganise_deeply(self, depth: int, remine: bool, drop: bool) -> None:
        """Blocks that were final are replaced."""
        self._reorganise(depth, remine=remine, drop=drop)

    @rule(said=st.sampled_from((None, Broadcast.UNKNOWN, Broadcast.REJECTED, Broadcast.KNOWN)))
    def answer(self, said: Broadcast | None) -> None:
        """The node takes transactions in and says something else."""
        self.office.chain.says = said

    @rule()
    def forget(self) -> None:
        """The node loses its mempool."""
        self.office.chain.forget()

    @rule(down=st.booleans())
    def node(self, down: bool) -> None:
        """The node goes away, or comes back."""
        if down:
            self.office.chain.go_down()
        else:
            self.office.chain.come_back()

    @rule(behind=st.integers(0, 3), frozen=st.booleans())
    def lag(self, behind: int, frozen: bool) -> None:
        """The node stays behind, or what it takes for final does."""
        if frozen:
            self.office.chain.freeze_final()
        self.office.chain.head_backwards(behind)

    @rule(floor=st.sampled_from((0, 25, 45)), spike=st.booleans())
    def fees(self, floor: int, spike: bool) -> None:
        """Miners want more, or so much that nothing may be signed."""
        chain = self.office.chain
        chain.floor = floor
        chain.prices = (
            dict.fromkeys(FeeTier, _SPIKE)
            if spike
            else {FeeTier.LOW: 10, FeeTier.MEDIUM: 20, FeeTier.HIGH: 40}
        )

    @precondition(lambda self: self.truth.items)
    @rule(which=st.integers(0, 40), at_once=st.booleans())
    def refuse(self, which: int, at_once: bool) -> None:
        """A recipient can receive nothing, and one does not see it before."""
        items = [*self.truth.items.values()]
        recipient = items[which % len(items)].recipient
        (self.office.chain.refusing if at_once else self.office.chain.reverting).add(recipient)

    # Somebody else, and the operator

    @rule(units=st.integers(1, 100))
    def steal(self, units: int) -> None:
        """Somebody else who has the key sends, in place of what waits."""
        try:
            self.truth.foreign.add(self.office.chain.spend_from_outside(self.office.master, _THIEF, units))
        except ValueError:
            return  # the money is on its way

    @rule()
    def freeze(self) -> None:
        """A person freezes."""
        freeze(self.office.gateway, NETWORK, "Just so.", actor=_ACTOR)

    @rule(reconciled=st.booleans())
    def thaw(self, reconciled: bool) -> None:
        """A person thaws; one that has compared the gateway with the chain has done so by blocks that stay."""
        if reconciled:
            self.lowest = self.office.chain.height
        work = partial(
            thaw, self.office.gateway, NETWORK, "It is explained.", reconciled=reconciled, actor=_ACTOR
        )
        self.office.run(work, NotFrozen, NotReconciled)

    @rule()
    def resume(self) -> None:
        """A person lets a paused network go on."""
        self.office.run(partial(resume, self.office.gateway, NETWORK), Conflict)

    # What must hold

    @invariant()
    def holds(self) -> None:
        """The money rules hold."""
        type(self).steps += 1
        if hasattr(self, "truth"):
            self.truth.hold()

    def teardown(self) -> None:
        """Let everything come to its end: nothing lies, nothing is killed, a person helps where one is needed."""
        if not hasattr(self, "truth"):
            return
        failpoints.disarm()
        office, chain = self.office, self.office.chain
        chain.come_back()
        chain.says, chain.floor = None, 0
        chain.prices = {FeeTier.LOW: 10, FeeTier.MEDIUM: 20, FeeTier.HIGH: 40}
        for _ in range(_ROUNDS):
            if self._help() and self.truth.is_settled:
                break
            self._pass_time(91)
            chain.mine(2)
            office.look()
            office.send(2)
            office.hand_on()
        self.truth.hold_end()

    # Inside

    @property
    def _who(self) -> tuple[object, ...]:
        return self.office.gateway, self.office.principal

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
            from sqlalchemy import select

            from cloudpay.payouts.models import PayoutRow

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

    def _fund(self, symbol: str, units: int) -> None:
        contract = self.office.network.asset(symbol).contract
        self.office.chain.send(self.office.master, units, contract)

    def _pass_time(self, seconds: int) -> None:
        from datetime import timedelta

        self.office.clock.advance(timedelta(seconds=seconds))

    def _reorganise(self, depth: int, *, remine: bool, drop: bool) -> None:
        """What payers and thieves did comes back; what the gateway did may be dropped, for it to send again."""
        chain = self.office.chain
        depth = min(depth, chain.height - self.lowest - 1, chain.height - 13)
        if depth < 1:
            return
        ours = {each.tx_id for each in chain.heard}
        chain.reorg(depth, drop=ours if drop else (), remine=remine)

    def _help(self) -> bool:
        """Do what only a person does; say whether there was nothing to do."""
        idle = True
        if frozen_networks(self.office.gateway):
            self.lowest, idle = self.office.chain.height, False
            thaw(self.office.gateway, NETWORK, "It is explained.", reconciled=True, actor=_ACTOR)
        [view] = network_views(self.office.gateway)
        if view.status == "paused":
            resume(self.office.gateway, NETWORK)
            idle = False
        return idle


def _no_text(_view: object) -> str:
    return "{}"
