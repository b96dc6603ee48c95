"""Chains that do anything at random: in the end the ledger holds, to the base unit, what lies at our addresses."""

import random
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Capability, Holding, Page, Watch
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView, OptionView
from cloudpay.testing import FixedClock
from tests.cloudpay.shop import Shop

STEPS = 40
TOKENS = Capability.TOKENS | Capability.HISTORY


class Walk:
    """One shop whose chain, payers and nodes do what chance says."""

    def __init__(self, shop: Shop, clock: FixedClock, seed: int) -> None:
        self.shop, self.clock, self.chance = shop, clock, random.Random(seed)
        self.invoices: list[InvoiceView] = []
        self.hides, self.honest = False, shop.chain.scan

    def step(self) -> None:
        """Do one thing."""
        self.chance.choice(
            [
                self.ask,
                self.pay,
                self.pay,
                self.pay,
                self.mine,
                self.mine,
                self.mine,
                self.reorg,
                self.rescan,
                self.see,
                self.wait,
                self.hide,
            ]
        )()

    def ask(self) -> None:
        self.invoices.append(self.shop.ask("10", self.chance.choice(["USDT", "ETH", "ETH"])))

    def pay(self) -> None:
        if not self.invoices:
            return
        option = self.chance.choice(self.invoices).option
        amount = self.chance.choice([option.amount, option.amount // 2, 1])
        through = self.chance.random() < 0.6 and not option.asset
        self.shop.chain.send(option.address, amount, option.asset or None, via_contract=through)

    def mine(self) -> None:
        self.shop.chain.mine(self.chance.randint(1, 2))
        self.shop.look()

    def reorg(self) -> None:
        waiting = list(self.shop.chain.mempool)
        drop = [each for each in waiting if self.chance.random() < 0.2]
        self.shop.chain.reorg(self.chance.randint(1, 2), drop=drop, remine=self.chance.random() < 0.5)
        if self.chance.random() < 0.7:
            self.shop.look()

    def rescan(self) -> None:
        with suppress(NodeUnavailable):  # a reorganisation that the watcher has not followed yet
            self.shop.rescan(1, 10_000)

    def see(self) -> None:
        """Change to a node that shows traces, or to one that shows none."""
        self.shop.chain.capabilities = TOKENS | self.chance.choice([Capability.TRACES, Capability.NONE])

    def hide(self) -> None:
        """Have the node leave out every transfer, unnoticed, until it is changed again."""
        self.hides = self.chance.random() < 0.5

    def scan(self, after: BlockRef | None, limit: int, watch: Watch) -> Page:
        page = self.honest(after, limit, watch)
        return replace(page, transfers=()) if self.hides else page

    def wait(self) -> None:
        self.clock.advance(timedelta(seconds=self.chance.randint(1, 30)))


def balance(shop: Shop, option: OptionView) -> int:
    """Answer what lies at an invoice's address, as the node tells it."""
    holding = Holding(option.address, option.asset or None)
    return shop.chain.balances([holding], shop.chain.head().latest.ref)[holding]


@pytest.mark.parametrize("seed", [1, 4, 17])
def test_whatever_happens_the_ledger_holds_what_the_chain_does(
    shop: Shop, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    shop.mine(5)
    walk = Walk(shop, clock, seed)
    monkeypatch.setattr(shop.chain, "scan", walk.scan)
    for _ in range(STEPS):
        walk.step()
    monkeypatch.undo()
    shop.chain.capabilities = TOKENS | Capability.TRACES
    for _ in range(3):
        shop.mine(3)
    shop.rescan(1, shop.chain.height)
    shop.mine(1)
    lying = 0
    for invoice in map(shop.state, walk.invoices):
        option = invoice.option
        there = balance(shop, option)
        lying += there
        assert (option.received, option.confirmed) == (there, there)
        assert (invoice.status is InvoiceStatus.PAID) == (there >= option.amount)
    assert shop.held() == lying
