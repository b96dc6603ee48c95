"""The chain's side: money for the master wallet, transactions that are dropped, and somebody else who has the key."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cloudpay.kernel.failpoints import Failpoint
from tests.kills.ground import TOKEN, Ground
from tests.kills.payers import Payers
from tests.kills_out.roles import FUNDED_AT

Wish = Callable[[str], Failpoint | None]
"""Answers at which place the present process of a role is to die."""

_HELD, _LEFT_ALONE = 35, 8
"""Rounds that blocks are held back for at most; blocks for which what somebody else has sent is not reorganised."""
_MOST_EXPIRED, _MOST_STOLEN, _SELDOM = 4, 2, 0.01
"""How often in a run the time of what waits runs out, which moves the chain's clock, and how often somebody steals
where no failpoint waits for it, at most; and how likely either is in a round."""


@dataclass
class Outside:
    """What somebody else has sent with the master wallet's key: transactions, and what their fees came to."""

    ids: list[str] = field(default_factory=list)
    units: int = 0


class Banker(Payers):
    """Funds the master wallet, mines, and brings what a place that is waited for needs."""

    pause = (0.1, 0.3)

    def __init__(self, ground: Ground, master: str, chance: random.Random, wish: Wish) -> None:
        self.master, self.ours = master, frozenset({master})
        self.outside = Outside()
        self.fundings: dict[str, int] = defaultdict(int)
        self.drops = 0
        self.expiries = 0
        self.funded_at = 0
        self.may_steal: Callable[[], bool] = lambda: False
        self._wish = wish
        self._held = 0
        self._alone_until = 0
        self._is_dear = False
        self._owed: dict[str, int] = {}
        super().__init__(ground, chance, lambda: wish("watch") is Failpoint.PAGE_REWOUND)

    def fund(self, funds: Mapping[str, int]) -> None:
        """Have the master wallet get so much with the next block."""
        self._owed = {**funds}

    def mine(self) -> None:
        """Mine, unless a waiting transaction is waited for."""
        if not self.calm and self._wish("send") is Failpoint.SEND_REPLACED and self._held < _HELD:
            self._held += 1
            return
        self._held = 0
        super().mine()

    def send_due(self) -> bool:
        """Send what the master wallet gets; drop and steal where that is due."""
        if self._is_dear and (self.calm or self.may_reorganise()):
            self._lower_fees()
        if not self.calm:
            self._trouble()
        paid = super().send_due()
        owed, self._owed = self._owed, {}
        for asset, units in owed.items():
            self.ground.chain.fund(self.master, asset, units)
            self.fundings[asset] += units
            self.funded_at = self.ground.height() + 1
        return paid or bool(owed)

    def may_reorganise(self) -> bool:
        """Leave what somebody else has sent where it is, since nobody sends it again, and what bid before fees rose."""
        return self.ground.height() > self._alone_until

    def _trouble(self) -> None:
        if self.chance.random() < (0.4 if self._wish("watch") in FUNDED_AT else 0.03):
            asset = TOKEN if self.chance.random() < 0.5 else self.ground.native
            self._owed[asset] = self.chance.randint(1, 10**6)
        if self.chance.random() < (0.5 if self._wish("send") is Failpoint.SEND_REPEATED else 0.05):
            self._drop()
        if self.may_reorganise():
            self._rare_trouble()

    def _rare_trouble(self) -> None:
        """What needs a chain that stays as it is for a while."""
        if self._wish("send") is Failpoint.SWEEP_TAKEN_BACK:
            self._raise_fees()
        elif self._is_tempted() and self.may_steal():
            self._steal()
        elif self.expiries < _MOST_EXPIRED and self.chance.random() < _SELDOM:
            self.expiries += self.ground.let_expire()

    def _raise_fees(self) -> None:
        """Have sending be dear; none is replaced until it is cheap again, or payers' bids would be too low."""
        self.ground.make_dear()
        self._is_dear, self._alone_until = True, self.ground.height() + self.ground.dear_for

    def _lower_fees(self) -> None:
        self.ground.make_cheap()
        self._is_dear, self._alone_until = False, self.ground.height() + _LEFT_ALONE

    def _is_tempted(self) -> bool:
        """Whether somebody steals now: where a process waits for it, or seldom where no failpoint is passed by it."""
        if Failpoint.SEND_FROZEN in self.ground.never_passed:
            return len(self.outside.ids) < _MOST_STOLEN and self.chance.random() < _SELDOM
        return self._wish("send") is Failpoint.SEND_FROZEN

    def _drop(self) -> None:
        waiting = self.ground.waiting(self.master)
        if waiting:
            self.ground.drop(self.chance.choice(waiting))
            self.drops += 1

    def _steal(self) -> None:
        """Send what the gateway has not signed."""
        units = self.chance.randint(1, 10**6)
        stolen = self.ground.steal(self.master, units)
        if stolen:
            self.outside.ids.append(stolen)
            self.outside.units += units
            self._alone_until = self.ground.height() + _LEFT_ALONE
