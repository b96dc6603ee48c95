"""A shop on a real chain whose deposit addresses are collected."""

from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
from sqlalchemy import select

from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel.sections import Sweeps
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.reconciliation.service import Patience
from cloudpay.reconciliation.service import reconcile as compare
from cloudpay.sweeps.service import collect
from cloudpay.transactions.models import SpendRow
from cloudpay.wallets.models import DepositAddressRow
from tests.flows.realshop import RealShop
from tests.flows.tills import Till, open_till

TURNS = 12
_OURS = {AccountKind.DEPOSITS, AccountKind.TRANSIT, AccountKind.MASTER, AccountKind.RESERVED}


@dataclass
class Counter:
    """A shop on a real chain that collects a second after a payment is final."""

    shop: RealShop
    till: Till

    @property
    def master(self) -> str:
        """The address of the master wallet."""
        return self.till.master.address

    def turn(self) -> None:
        """Let everybody have a turn, then mine."""
        self.shop.clock.advance(timedelta(seconds=5))
        for _ in range(2):
            self.work()
        self.shop.mine(3)

    def work(self) -> None:
        """Look, plan what is due, and send."""
        self.shop.look()
        collect(self.shop.gateway)
        self.till.sender.work(look=True)

    def finish(self, *, spends: int) -> None:
        """Go on until so many sweeps have ended and nothing is under way."""
        for _ in range(TURNS):
            self.turn()
            done = [each for each in self.spends("sweep") if each.status == "confirmed"]
            if len(done) == spends and {each.status for each in self.spends()} == {"confirmed"}:
                self.shop.look()
                return
        raise AssertionError([(each.kind, each.status, each.reason) for each in self.spends()])

    def spends(self, *kinds: str) -> list[SpendRow]:
        """Answer all spends, or those of some kinds."""
        with self.shop.gateway.db.read() as session:
            found = session.scalars(select(SpendRow).order_by(SpendRow.created_at, SpendRow.id)).all()
        return [each for each in found if not kinds or each.kind in kinds]

    def paid(self, symbol: str, units: int) -> InvoiceView:
        """Have an invoice paid, for good."""
        invoice = self.shop.ask(currency=symbol)
        self.shop.chain.pay(symbol, invoice.option.address, units)
        self.shop.finish()
        return invoice

    def booked(self, symbol: str) -> dict[AccountKind, int]:
        """Answer what the books hold of an asset, by kind of account."""
        key = self.shop.gateway.chains.network(self.shop.code).asset(symbol).key
        with self.shop.gateway.db.read() as session:
            found = balances(session, self.shop.principal.merchant_id, livemode=False)
        return {account.kind: each.held for account, each in found.items() if account.asset == key}

    def agree(self, symbol: str) -> None:
        """Hold the books against the chain, to the base unit (money rule 8)."""
        self.reconcile()
        with self.shop.gateway.db.read() as session:
            addresses = session.scalars(select(DepositAddressRow.address)).all()
        chain = self.shop.chain
        books = self.booked(symbol)
        assert books.get(AccountKind.MASTER, 0) == chain.balance(symbol, self.master)
        there = sum(chain.balance(symbol, each) for each in addresses)
        assert books.get(AccountKind.DEPOSITS, 0) == there
        assert sum(amount for kind, amount in books.items() if kind in _OURS) == there + chain.balance(
            symbol, self.master
        )

    def reconcile(self) -> None:
        """Hold all pots against the final block."""
        assert not compare(self.shop.gateway, self.shop.code, Patience(lambda: None)).drifts


def open_counter(shop: RealShop, funds: int) -> Counter:
    """Have a shop collect, and its master wallet hold native coins that came from outside."""
    collecting = Sweeps(every_seconds=1, fee_share_percent="50")
    settings = msgspec.structs.replace(shop.gateway.settings, sweeps=collecting)
    shop.gateway = replace(shop.gateway, settings=settings)
    counter = Counter(shop, open_till(shop))
    shop.look()
    native = counter.till.network.native.symbol
    shop.chain.fund(counter.master, native, funds)
    shop.finish()
    return counter
