"""A shop on a real node that is seen through proxies which fail as the world's nodes do."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudpay.alerts.service import AlertView, alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.invoices.states import InvoiceStatus
from cloudpay.invoices.views import InvoiceView
from cloudpay.payments.health import verify
from cloudpay.payments.loop import WatchLoop
from cloudpay.payments.networks import network_views
from cloudpay.payments.views import NetworkView
from cloudpay.payments.watcher import Watcher
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import FaultProxy
from tests.flows.realshop import CONFIRMATIONS, RealShop, network_table, open_real_shop

Stages = Callable[..., "Stage"]


@dataclass
class Stage:
    """The shop, its watcher as a worker runs it, and the proxies between it and the node."""

    shop: RealShop
    proxies: list[FaultProxy]
    passed: float = 0.0
    """Seconds that tests have let pass for the plugin's own clock, on top of the real ones."""
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.loop = WatchLoop(self.shop.gateway, self.watcher.network)
        self.loop._verified = True
        nodes: Any = self.watcher.adapter
        nodes.nodes.clock = lambda: time.monotonic() + self.passed

    @property
    def watcher(self) -> Watcher:
        """The watcher of the one network."""
        return self.shop.watchers["evm"]

    @property
    def chain(self) -> DevChain:
        """The node behind the proxies."""
        return self.shop.chain

    def look(self, times: int = 1) -> None:
        """Poll as the loop does, which outlives what nodes do, and hand on what came of it."""
        for _ in range(times):
            self.waits.append(self.loop._poll(self.watcher))
            self.shop.settle()

    def rest(self, seconds: float = 20.0) -> None:
        """Let time pass on every clock: also nodes that failed have rested after the least of it."""
        self.passed += seconds
        self.shop.advance(timedelta(seconds=int(seconds)))

    def pay(self, invoice: InvoiceView, units: int | None = None, symbol: str = "USDT") -> str:
        """Pay an invoice, in one block."""
        return self.chain.pay(symbol, invoice.option.address, units or invoice.option.amount)

    def bury(self, looks: int = 3) -> None:
        """Make what was paid final, and look as often as failing over may need."""
        self.chain.node.mine(CONFIRMATIONS)
        self.look(looks)

    def status(self, invoice: InvoiceView) -> InvoiceStatus:
        """Answer how far an invoice is."""
        return self.shop.state(invoice).status

    def network(self) -> NetworkView:
        """Answer how the network is doing."""
        return network_views(self.shop.gateway)[0]

    def reading(self) -> str:
        """Answer the name of the node that is read."""
        return self.watcher.adapter.head().node

    def alerts(self) -> list[AlertKind]:
        """Answer the kinds of the alerts that are open."""
        return [alert.kind for alert in self.open_alerts()]

    def open_alerts(self) -> list[AlertView]:
        """Answer the alerts that are open."""
        return alert_views(self.shop.gateway)

    def verify(self) -> None:
        """Hold the nodes against the configuration."""
        verify(self.shop.gateway, self.watcher.network, self.watcher.adapter)

    def paid_once(self, invoice: InvoiceView) -> bool:
        """Say whether the invoice is paid, told of as paid once, and booked once."""
        view = self.shop.state(invoice)
        return (
            view.status is InvoiceStatus.PAID
            and self.shop.statuses_told(invoice).count("paid") == 1
            and self.shop.held() == view.option.amount
        )


@pytest.fixture(scope="module")
def chain() -> Iterator[DevChain]:
    """Ethereum's stand-in with automine, for the tests of one file."""
    with DevChain.start("evm") as running:
        yield running


@pytest.fixture
def stage(chain: DevChain, tmp_path: Path, database_url: str) -> Iterator[Stages]:
    """Open a shop that sees the chain through so many proxies; keywords change the network's table.

    `large` is the amount of USDT from which a second node is asked.
    """
    with ExitStack() as stack:

        def make(count: int = 2, own: DevChain | None = None, large: str = "", **changes: Any) -> Stage:
            node = own or chain
            proxies = [stack.enter_context(FaultProxy(node.node.rpc_url)) for _ in range(count)]
            table = network_table(
                node,
                **{
                    "rpc_urls": [proxy.url for proxy in proxies],
                    "timeout_seconds": 0.5,
                    "stalled_after_seconds": 300,
                    "poll_seconds": 1.0,
                    **changes,
                },
            )
            table["assets"]["USDT"]["large_amount"] = large
            shop = stack.enter_context(open_real_shop(tmp_path, database_url, {"evm": node}, {"evm": table}))
            block = node.node.rpc.record("eth_getBlockByNumber", "latest", False)
            assert block is not None
            shop.clock.set(datetime.fromtimestamp(int(str(block["timestamp"]), 16), UTC))
            shop.mine()
            return Stage(shop, proxies)

        yield make
