"""A merchant's shop on real nodes, in this process: what is polled, handed on and expired is driven by the test."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway, bind
from cloudpay.chains.registry import load_chains
from cloudpay.invoices import creation
from cloudpay.invoices.creation import NewInvoice
from cloudpay.invoices.service import get
from cloudpay.invoices.states import Priority
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel.db import Database
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.kernel.secrets import KEY_BYTES, AppKey, SealKey
from cloudpay.kernel.sections import Log, Rates
from cloudpay.kernel.settings import Settings
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.principal import Principal
from cloudpay.merchants.service import create_merchant
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.rescan import rescan
from cloudpay.payments.watcher import Watcher
from cloudpay.tables import metadata
from cloudpay.testing import FixedClock
from cloudpay.wallets.setup import init_wallet
from cloudpay.webhooks.models import Delivery
from cloudpay_devnet.chain import DevChain
from tests.cloudpay.shop import bring_to_rest

WALLETS = (
    "legal winner thank year wave sausage worth useful legal winner thank yellow",
    "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
    "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
)
"""Published seeds (BIP-39's own vectors), one for each shop on a chain; not the one of anvil's accounts."""

CONFIRMATIONS = 2
_HOOK = "https://shop.example.com/hook"


@dataclass
class RealShop:
    """One merchant on real development chains: it asks, payers pay, the watchers look."""

    gateway: Gateway
    principal: Principal
    client: FlaskClient
    headers: Mapping[str, str]
    clock: FixedClock
    chains: Mapping[str, DevChain]
    code: str
    watchers: dict[str, Watcher]

    @property
    def chain(self) -> DevChain:
        """The chain of the network that invoices ask on."""
        return self.chains[self.code]

    def ask(
        self,
        amount: str = "10",
        currency: str = "USDT",
        network: str = "",
        *,
        principal: Principal | None = None,
    ) -> InvoiceView:
        """Create an invoice."""
        new = NewInvoice(
            amount=Decimal(amount),
            total_usd=None,
            currency=currency,
            network=network or self.code,
            customer_name="John Doe",
            notification_emails="shop@example.com",
            callback_url=_HOOK,
            priority=Priority.MEDIUM,
            expiry_minutes=60,
        )
        made: list[InvoiceView] = []

        def keep(view: InvoiceView) -> str:
            made.append(view)
            return "{}"

        creation.create(self.gateway, principal or self.principal, new, None, keep)
        return made[-1]

    def another_merchant(self) -> Principal:
        """A second merchant of the same gateway."""
        merchant = create_merchant(
            self.gateway, "Coffee Shop", livemode=False, payout_currencies={}, actor="cli:test"
        )
        return Principal("key_other", merchant.id, livemode=False, scopes=frozenset(["invoices:write"]))

    def look(self) -> None:
        """Poll every network once, hand every event on, expire what is due, and check the ledger."""
        for watcher in self.watchers.values():
            watcher.poll()
        self.settle()

    def settle(self) -> None:
        """Hand every event on and expire what is due."""
        bring_to_rest(self.gateway)

    def mine(self, blocks: int = 1) -> None:
        """Mine on every chain, then look."""
        for chain in self.chains.values():
            chain.node.mine(blocks)
        self.look()

    def finish(self) -> None:
        """Have everything that was sent become final; what balances tell is dated when it is looked at."""
        self.look()
        self.mine(CONFIRMATIONS)

    def advance(self, by: timedelta) -> None:
        """Let time pass on this clock and on the chains."""
        self.clock.advance(by)
        for chain in self.chains.values():
            chain.node.rpc.call("evm_increaseTime", int(by.total_seconds()))

    def restart_watchers(self) -> None:
        """Let new watchers take over, as after a crash: what the old ones held in memory is gone."""
        for code, watcher in self.watchers.items():
            self.watchers[code] = Watcher(self.gateway, watcher.network, watcher.adapter, watcher.keeper)

    def verify(self) -> None:
        """Hold the nodes against the configuration, as the loops do."""
        for watcher in self.watchers.values():
            verify(self.gateway, watcher.network, watcher.adapter)

    def rescan(self, first: int, last: int) -> int:
        """Read a range again."""
        found = rescan(self.gateway, self.code, first, last, lambda height, found: None)
        self.settle()
        return found

    def state(self, invoice: InvoiceView, principal: Principal | None = None) -> InvoiceView:
        """Answer the invoice as it is now."""
        return get(self.gateway, principal or self.principal, invoice.id)

    def answer(self, invoice: InvoiceView) -> dict[str, Any]:
        """Answer what the published API says of it, over HTTP."""
        response = self.client.get(f"/api/invoice/{invoice.id}", headers=dict(self.headers))
        assert response.status_code == 200, response.text
        found: dict[str, Any] = json.loads(response.text)
        return found

    def told(self, invoice: InvoiceView) -> list[dict[str, Any]]:
        """Answer the bodies of the webhooks that were queued for an invoice, oldest first."""
        with self.gateway.db.read() as session:
            bodies = session.scalars(
                select(Delivery.body).where(Delivery.invoice_id == invoice.id).order_by(Delivery.id)
            ).all()
        return [json.loads(body) for body in bodies]

    def statuses_told(self, invoice: InvoiceView) -> list[str]:
        """Answer the statuses that those webhooks name."""
        return [str(each["status"]) for each in self.told(invoice)]

    def held(self, asset: str | None = None) -> int:
        """Answer what the ledger says lies at the deposit addresses of all merchants, of one asset or of all."""
        return self._booked(AccountKind.DEPOSITS, asset)

    def earned(self, asset: str | None = None) -> int:
        """Answer what the ledger says that payers sent, of one asset or of all."""
        return -self._booked(AccountKind.RECEIPTS, asset)

    def _booked(self, kind: AccountKind, asset: str | None) -> int:
        with self.gateway.db.read() as session:
            found = balances(session, self.principal.merchant_id, livemode=False)
        kept = [each for key, each in found.items() if key.kind is kind]
        return sum(each.debits - each.credits for each in kept if asset in (None, each.account.asset))


def network_table(chain: DevChain, **changes: Any) -> dict[str, Any]:
    """The table of a development chain: two confirmations, all assets of the chain."""
    listed = {
        symbol: {"contract": asset.token_address, "decimals": asset.decimals}
        for symbol, asset in chain.network.assets.items()
    }
    table = {
        "family": chain.spec.family,
        "live": False,
        "chain_id": chain.spec.chain_id,
        "rpc_urls": [chain.node.rpc_url],
        "finality": "depth",
        "confirmations": CONFIRMATIONS,
        "native": chain.spec.native_symbol,
        "stalled_after_seconds": 86_400,
        **changes,
    }
    table["assets"] = listed | changes.get("assets", {})
    return table


@contextmanager
def open_real_shop(
    folder: Path,
    database_url: str | None,
    chains: Mapping[str, DevChain],
    tables: Mapping[str, dict[str, Any]],
    *,
    wallet: int = 0,
) -> Iterator[RealShop]:
    """Open a gateway over real nodes with one merchant; the first chain is where invoices ask."""
    url = database_url or f"sqlite:///{folder / 'gateway.db'}"
    code = next(iter(chains))
    settings = Settings(
        data_dir=str(folder),
        database_url=url,
        default_network=code,
        networks=dict(tables),
        rates=Rates(fixed={"ETH": "2500", "TRX": "0.10", "USDT": "1.00"}),
        log=Log(level="error"),
    )
    db = Database(url)
    metadata.create_all(db.engine)
    clock = FixedClock(datetime.now(UTC).replace(microsecond=0))
    gateway = Gateway(settings, db, clock, load_chains(tables, code), AppKey(bytes(KEY_BYTES)))
    bind(gateway)
    init_wallet(gateway, SealKey(bytes(KEY_BYTES)), mnemonic=WALLETS[wallet], accounts=4, actor="cli:test")
    merchant = create_merchant(gateway, "Tea Shop", livemode=False, payout_currencies={}, actor="cli:test")
    key = create_key(gateway, merchant.id, name="shop", scopes=["invoices:write", "read"], actor="cli:test")
    principal = Principal(
        key.view.id, merchant.id, livemode=False, scopes=frozenset(["invoices:write", "read"])
    )
    watchers = {
        network.code: Watcher(
            gateway,
            network,
            gateway.chains.adapter(network.code),
            LeaseKeeper(db, clock, f"watch:{network.code}", "test", LEASE_TTL),
        )
        for network in gateway.chains
    }
    headers = {"x-api-key": key.secret, "merchant-id": merchant.id}
    client = create_app(gateway=gateway).test_client()
    shop = RealShop(gateway, principal, client, headers, clock, chains, code, watchers)
    shop.verify()
    shop.mine()
    try:
        yield shop
    finally:
        gateway.chains.close()
        db.close()
