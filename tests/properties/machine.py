"""Money out against chance: merchants and buyers, processes that die, nodes, miners, a thief and an operator."""

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from cloudpay.chains.spending import Broadcast, FeeTier
from cloudpay.kernel import failpoints
from cloudpay.kernel.errors import Conflict
from cloudpay.payments.networks import resume
from cloudpay.testing import fake_address
from cloudpay.transactions.control import NotFrozen, NotReconciled, freeze, thaw
from tests.properties.buyers import Buyers
from tests.properties.office import NETWORK, PLACES
from tests.properties.opened import ACTOR, PRICES

_THIEF = fake_address("thief")
_SPIKE = 10**17
_DEEP = 6

counts = st.integers(1, 4)


class MoneyOut(Buyers):
    """Everything that may happen."""

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
        self.pass_time(seconds)

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
        chain.prices = dict.fromkeys(FeeTier, _SPIKE) if spike else dict(PRICES)

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
        self.office.run(partial(freeze, self.office.gateway, NETWORK, "Just so.", actor=ACTOR))

    @rule(reconciled=st.booleans())
    def thaw(self, reconciled: bool) -> None:
        """A person thaws; one that has compared the gateway with the chain has done so by blocks that stay."""
        if reconciled:
            self.lowest = self.office.chain.height
        work = partial(
            thaw, self.office.gateway, NETWORK, "It is explained.", reconciled=reconciled, actor=ACTOR
        )
        self.office.run(work, NotFrozen, NotReconciled)

    @rule()
    def resume(self) -> None:
        """A person lets a paused network go on."""
        self.office.run(partial(resume, self.office.gateway, NETWORK), Conflict)

    # Inside

    def _reorganise(self, depth: int, *, remine: bool, drop: bool) -> None:
        """What payers and thieves did comes back; what the gateway did may be dropped, for it to send again."""
        chain = self.office.chain
        depth = min(depth, chain.height - self.lowest - 1, chain.height - 13)
        if depth < 1:
            return
        ours = {each.tx_id for each in chain.heard}
        chain.reorg(depth, drop=ours if drop else (), remine=remine)
