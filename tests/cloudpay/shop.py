"""A merchant's shop on a fake chain, which a test drives block by block and poll by poll."""

from dataclasses import dataclass
from decimal import Decimal

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices import creation
from cloudpay.invoices.change import expire_due
from cloudpay.invoices.creation import NewInvoice
from cloudpay.invoices.service import get
from cloudpay.invoices.states import Priority
from cloudpay.invoices.views import InvoiceView
from cloudpay.ledger.audit import check
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.principal import Principal
from cloudpay.outbox.service import drain
from cloudpay.payments.health import verify
from cloudpay.payments.rescan import rescan
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FakeChain
from cloudpay.testing.ledger import Move
from cloudpay.wiring import EVENT_HANDLERS


def bring_to_rest(gateway: Gateway) -> None:
    """Hand every event on, expire what is due, and check the ledger."""
    while drain(gateway, EVENT_HANDLERS):
        pass
    expire_due(gateway)
    while drain(gateway, EVENT_HANDLERS):
        pass
    assert check(gateway) == []


@dataclass
class Shop:
    """One merchant on one fake network: it asks, payers pay, the watcher looks."""

    gateway: Gateway
    principal: Principal
    code: str
    chain: FakeChain
    watcher: Watcher

    def ask(self, amount: str = "10", currency: str = "USDT", **changes: object) -> InvoiceView:
        """Create an invoice."""
        new = NewInvoice(
            amount=Decimal(amount),
            total_usd=None,
            currency=currency,
            network=self.code,
            customer_name="John Doe",
            notification_emails="shop@example.com",
            callback_url="https://shop.example.com/hook",
            priority=Priority.MEDIUM,
            expiry_minutes=60,
            **changes,
        )
        made: list[InvoiceView] = []

        def keep(view: InvoiceView) -> str:
            made.append(view)
            return "{}"

        creation.create(self.gateway, self.principal, new, None, keep)
        return made[-1]

    def pay(self, invoice: InvoiceView, units: int | None = None, *, contract: str | None = "listed") -> str:
        """Put a transfer to the invoice's address into the mempool."""
        asset = (invoice.option.asset or None) if contract == "listed" else contract
        return self.chain.send(invoice.option.address, units or invoice.option.amount, asset)

    def look(self) -> None:
        """Poll once, hand every event on, expire what is due, and check the ledger."""
        self.watcher.poll()
        self.settle()

    def settle(self) -> None:
        """Hand every event on and expire what is due."""
        bring_to_rest(self.gateway)

    def mine(self, blocks: int = 1) -> None:
        """Mine, then look."""
        self.chain.mine(blocks)
        self.look()

    def verify(self) -> None:
        """Hold the node against the configuration, as the loop does."""
        verify(self.gateway, self.watcher.network, self.watcher.adapter)

    def rescan(self, first: int, last: int) -> int:
        """Read a range again."""
        return rescan(self.gateway, self.code, first, last, lambda height, found: None)

    def pay_together(self, *invoices: InvoiceView) -> str:
        """Pay several invoices in one transaction."""
        moves = [
            Move(self.chain.payer, each.option.address, each.option.amount, each.option.asset or None)
            for each in invoices
        ]
        return self.chain.transact(*moves)

    def held(self) -> int:
        """Answer what the ledger says lies at the merchant's deposit addresses, over all assets of the network."""
        with self.gateway.db.read() as session:
            found = balances(session, self.principal.merchant_id, livemode=False)
        kept = [each for key, each in found.items() if key.kind is AccountKind.DEPOSITS]
        return sum(each.debits - each.credits for each in kept)

    def earned(self) -> int:
        """Answer what the ledger says that payers sent, over all assets of the network."""
        with self.gateway.db.read() as session:
            found = balances(session, self.principal.merchant_id, livemode=False)
        kept = [each for key, each in found.items() if key.kind is AccountKind.RECEIPTS]
        return sum(each.credits - each.debits for each in kept)

    def state(self, invoice: InvoiceView) -> InvoiceView:
        """Answer the invoice as it is now."""
        return get(self.gateway, self.principal, invoice.id)
