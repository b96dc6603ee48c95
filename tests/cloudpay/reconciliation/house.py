"""A merchant's whole house on a fake chain: its shop takes money in, its desk sends it out, and both are compared."""

from collections.abc import Mapping
from dataclasses import dataclass

from cloudpay.reconciliation.service import Patience, Reconciliation, reconcile
from cloudpay.testing import FakeChain, FixedClock
from cloudpay.wallets.masters import master_wallet
from tests.cloudpay.shop import Shop
from tests.cloudpay.transactions.desk import Desk

ETHER = 10**18


def at_once() -> None:
    """No pause between two looks."""


@dataclass
class House:
    """The shop and the desk of one merchant on one chain."""

    shop: Shop
    desk: Desk

    @property
    def chain(self) -> FakeChain:
        """The chain of both."""
        return self.shop.chain

    @property
    def master(self) -> str:
        """The address of the master wallet."""
        return self.desk.master.address

    @property
    def usdt(self) -> str:
        """The contract of the listed token."""
        contract = self.desk.network.asset("USDT").contract
        assert contract is not None
        return contract

    def fund(self, amount: int = ETHER, contract: str | None = None) -> None:
        """Have money final in the master wallet, sent from outside."""
        self.chain.send(self.master, amount, contract)
        self.mine(4)

    def mine(self, blocks: int = 1) -> None:
        """Mine, watch, and look what became of what was sent."""
        self.shop.mine(blocks)
        self.desk.work()

    def compare(self) -> Reconciliation:
        """Hold the ledger against the chain now, without a pause."""
        return reconcile(self.shop.gateway, self.shop.code, Patience(at_once))

    def drifts(self) -> Mapping[tuple[str, str], int]:
        """Answer the drifts by place and asset."""
        return {(each.pot.place.value, each.pot.asset): each.drift for each in self.compare().drifts}


def open_house(shop: Shop, clock: FixedClock) -> House:
    """Open a desk beside a shop."""
    network = shop.gateway.chains.network(shop.code)
    wallet = master_wallet(shop.gateway, network, shop.principal.merchant_id)
    return House(shop, Desk(shop.gateway, network, shop.chain, clock, wallet))
