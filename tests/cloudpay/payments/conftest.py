"""A merchant's invoices on fake chains, and watchers that a test drives poll by poll."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices import creation
from cloudpay.invoices.change import expire_due
from cloudpay.invoices.creation import NewInvoice
from cloudpay.invoices.service import get
from cloudpay.invoices.states import Priority
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.ledger.audit import check
from cloudpay.merchants.keys import NewKey
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import MerchantView
from cloudpay.outbox.service import drain
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FakeChain, FakePlugin
from cloudpay.wiring import EVENT_HANDLERS


@dataclass
class Shop:
    """One merchant on one fake network: it asks, payers pay, the watcher looks."""

    gateway: Gateway
    principal: Principal
    code: str
    chain: FakeChain
    contract: str
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
            **changes,  # type: ignore[arg-type]  # a test names the fields that it sets
        )
        made: list[InvoiceView] = []
        creation.create(self.gateway, self.principal, new, None, lambda view: made.append(view) or "{}")  # type: ignore[func-returns-value]  # keeps the view
        return made[-1]

    def pay(self, invoice: InvoiceView, units: int | None = None, *, contract: str | None = "listed") -> str:
        """Put a transfer to the invoice's address into the mempool."""
        asset = (invoice.option.asset or None) if contract == "listed" else contract
        return self.chain.send(invoice.option.address, units or invoice.option.amount, asset)

    def look(self) -> InvoiceView | None:
        """Poll once, hand every event on, expire what is due, and check the ledger."""
        self.watcher.poll()
        self.settle()
        return None

    def settle(self) -> None:
        """Hand every event on and expire what is due."""
        while drain(self.gateway, EVENT_HANDLERS):
            pass
        expire_due(self.gateway)
        while drain(self.gateway, EVENT_HANDLERS):
            pass
        assert check(self.gateway) == []

    def mine(self, blocks: int = 1) -> None:
        """Mine, then look."""
        self.chain.mine(blocks)
        self.look()

    def state(self, invoice: InvoiceView) -> InvoiceView:
        """Answer the invoice as it is now."""
        return get(self.gateway, self.principal, invoice.id)


@pytest.fixture
def open_shop(
    gateway: Gateway, merchant: MerchantView, key: NewKey, fakes: FakePlugin
) -> Callable[[str], Shop]:
    """Open the merchant's shop on a fake network: verified, and looked at once."""

    def build(code: str) -> Shop:
        network = gateway.chains.network(code)
        adapter = gateway.chains.adapter(code)
        keeper = LeaseKeeper(gateway.db, gateway.clock, f"watch:{code}", "test", LEASE_TTL)
        principal = Principal(key.view.id, merchant.id, livemode=False, scopes=frozenset(["invoices:write"]))
        shop = Shop(
            gateway,
            principal,
            code,
            fakes.chains[code],
            fakes.contract(code, "USDT"),
            Watcher(gateway, network, adapter, keeper),
        )
        verify(gateway, network, adapter)
        shop.mine()
        return shop

    return build


@pytest.fixture
def shop(open_shop: Callable[[str], Shop]) -> Shop:
    """The shop on `evm`: ETH, USDT (6 decimals) and WBTC; a payment is final after 12 blocks."""
    return open_shop("evm")
