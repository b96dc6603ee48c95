"""The office of a state machine: how it is opened, what must hold after every step, and how it comes to its end."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from cloudpay.chains.spending import FeeTier
from cloudpay.kernel import failpoints
from cloudpay.payments.networks import network_views, resume
from cloudpay.payouts.views import NewBatch
from cloudpay.transactions.control import frozen_networks, thaw
from tests.properties.ledger_of_truth import Truth
from tests.properties.office import NETWORK, Ground, Office

FUNDS = {"ETH": 10**9, "USDT": 10**9}
PRICES: Mapping[FeeTier, int] = {FeeTier.LOW: 10, FeeTier.MEDIUM: 20, FeeTier.HIGH: 40}
ACTOR = "cli:test"
_ROUNDS = 40


class Opened(RuleBasedStateMachine):
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
            self.put(symbol, units)
        self.office.chain.mine(5)
        self.office.look()
        self.office.look()

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
        chain.prices = dict(PRICES)
        for _ in range(_ROUNDS):
            if self._help() and self.truth.is_settled:
                break
            self.pass_time(91)
            chain.mine(2)
            office.look()
            office.hand_on()
            office.send(2)
            office.collect()
            office.hand_on()
        self.truth.hold_end()

    # Inside

    def put(self, symbol: str, units: int) -> None:
        """Have money sent to the master wallet."""
        contract = self.office.network.asset(symbol).contract
        self.office.chain.send(self.office.master, units, contract)

    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        self.office.clock.advance(timedelta(seconds=seconds))

    def _help(self) -> bool:
        """Do what only a person does; say whether there was nothing to do."""
        idle = True
        if frozen_networks(self.office.gateway):
            self.lowest, idle = self.office.chain.height, False
            thaw(self.office.gateway, NETWORK, "It is explained.", reconciled=True, actor=ACTOR)
        [view] = network_views(self.office.gateway)
        if view.status == "paused":
            resume(self.office.gateway, NETWORK)
            idle = False
        return idle
