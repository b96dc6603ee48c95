"""Payers that pay with the next blocks, from accounts and from contracts."""

import queue
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from tests.kills.ground import Ground
from tests.kills.mining import Miner


@dataclass(frozen=True)
class Payment:
    """What a payer is to send; `through_contract` sends native coins as an exchange's withdrawal does."""

    asset: str
    address: str
    units: int
    through_contract: bool = False


class Payers(Miner):
    """The chain that they pay on."""

    def __init__(
        self, ground: Ground, chance: random.Random, wants_reorgs: Callable[[], bool] = lambda: False
    ) -> None:
        self.sent: dict[tuple[str, str], int] = defaultdict(int)
        self.count = 0
        self._due: queue.Queue[Payment] = queue.Queue()
        super().__init__(ground, chance, wants_reorgs)

    def pay(self, payment: Payment) -> None:
        """Have a payment sent with one of the next blocks; it counts as sent from now on."""
        self.sent[payment.asset, payment.address] += payment.units
        self.count += 1
        self._due.put(payment)

    @property
    def idle(self) -> bool:
        """Whether all that was to be sent has been."""
        return self._due.empty()

    def send_due(self) -> bool:
        """Send what is to be paid."""
        waiting = self._due.qsize()
        for _ in range(waiting):
            self._send(self._due.get())
        return waiting > 0

    def _send(self, payment: Payment) -> None:
        if payment.through_contract:
            self.ground.chain.pay_through_contract(payment.address, payment.units)
        else:
            self.ground.chain.pay(payment.asset, payment.address, payment.units)
