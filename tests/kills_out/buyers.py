"""Buyers pay invoices, so that there is something to collect from deposit addresses."""

import random
from collections.abc import Mapping
from typing import ClassVar

import requests

from tests.kills.payers import Payment
from tests.kills.shoppers import Order, Shoppers
from tests.kills.stack import Stack
from tests.kills_out.banker import Banker

_MOST = 12


class Buyers(Shoppers):
    """One thread that orders and pays, until so many orders have been paid; nothing before there is money."""

    kinds: ClassVar[Mapping[str, int]] = {"exact": 2, "two": 1}

    def __init__(self, stack: Stack, banker: Banker, seed: int) -> None:
        self.begun = False
        self._banker = banker
        super().__init__(stack, banker, seed)

    @property
    def has_room(self) -> bool:
        """Whether there may be one more."""
        return self.begun and len(self.orders) < _MOST + len(self._settled)

    def serve(self, session: requests.Session, chance: random.Random) -> None:
        """Order and pay."""
        super().serve(session, chance)
        self._banker.ours |= {self.orders[-1].address}

    def send(self, order: Order, units: int, chance: random.Random) -> None:
        """Have a payer send an amount, by a plain transfer."""
        self.payers.pay(Payment(order.asset, order.address, units))
