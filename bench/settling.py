"""From a block full of payments to the queue of webhooks: everything but the chain and the merchants is real."""

import time
from decimal import Decimal

from bench.report import Figure, Scale
from bench.servers import folder, postgres
from bench.shops import Shop, database, open_shop, write_settings
from cloudpay.chains.registry import load_chains
from cloudpay.invoices.creation import NewInvoice, create
from cloudpay.invoices.states import Priority
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel.leases import LeaseKeeper
from cloudpay.outbox.service import drain
from cloudpay.payments.health import verify
from cloudpay.payments.loop import LEASE_TTL
from cloudpay.payments.watcher import Watcher
from cloudpay.testing import FakeChain, fake_plugin
from cloudpay.wiring import EVENT_HANDLERS

_PER_BLOCK = 25
_UNUSED = {"live": False, "rpc_urls": ["http://127.0.0.1:9"]}
"""A table for the settings file; the chain is a fake one."""
_NEW = NewInvoice(
    amount=Decimal(10),
    total_usd=None,
    currency="USDT",
    network="evm",
    customer_name="John Doe",
    notification_emails="shop@example.com",
    callback_url="https://shop.example.com/hook",
    priority=Priority.MEDIUM,
    expiry_minutes=60,
)


def settlement(scale: Scale) -> list[Figure]:
    """Settle on SQLite (WAL, synchronous=FULL)."""
    return _settle(scale, None, "SQLite")


def settlement_on_postgres(scale: Scale) -> list[Figure]:
    """Settle on PostgreSQL."""
    with postgres() as server:
        return _settle(scale, server, "PostgreSQL")


def _settle(scale: Scale, server: str | None, name: str) -> list[Figure]:
    plugin = fake_plugin("evm", unix=lambda: int(time.time()))
    chains = load_chains({"evm": {"live": False}}, "evm", plugin)
    with folder() as data, database(server) as url:
        settings_file = write_settings(data, {"evm": _UNUSED}, database_url=url)
        with open_shop(settings_file, chains) as shop:
            seen, ended, count = _measure(shop, plugin[1].chains["evm"], scale.of(150, 50))
    how = f"{count} payments, {_PER_BLOCK} a block, {name}, one watcher, then one drain"
    return [
        Figure("payments settled", count / ended, "per second", how),
        Figure("  of this, observed, credited and posted", count / seen, "per second"),
        Figure("  of this, invoice paid and webhook queued", count / (ended - seen), "per second"),
    ]


def _measure(shop: Shop, chain: FakeChain, count: int) -> tuple[float, float, int]:
    """Answer the seconds until all was credited, until all webhooks were queued, and how many payments there were."""
    gateway = shop.gateway
    adapter = gateway.chains.adapter("evm")
    keeper = LeaseKeeper(gateway.db, gateway.clock, "watch:evm", "bench", LEASE_TTL)
    watcher = Watcher(gateway, gateway.chains.network("evm"), adapter, keeper)
    verify(gateway, watcher.network, adapter)
    watcher.poll()
    _pay(shop, chain, count)
    began = time.perf_counter()
    watcher.poll()
    seen = time.perf_counter() - began
    while drain(gateway, EVENT_HANDLERS):
        pass
    return seen, time.perf_counter() - began, count


def _pay(shop: Shop, chain: FakeChain, count: int) -> None:
    """Make invoices and pay them, some in each block, then bury them deep enough to be final."""
    made: list[InvoiceView] = []

    def keep(view: InvoiceView) -> str:
        made.append(view)
        return "{}"

    for _ in range(count):
        create(shop.gateway, shop.principal, _NEW, None, keep)
    for number, invoice in enumerate(made, 1):
        chain.send(invoice.option.address, invoice.option.amount, invoice.option.asset)
        if number % _PER_BLOCK == 0:
            chain.mine()
    chain.mine(10)
