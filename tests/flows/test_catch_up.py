"""Three days offline: a real worker reads five thousand blocks of a real node, is killed half way, and goes on."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import update

from bench.servers import gateway_environment
from bench.shops import Shop, open_shop, write_settings
from bench.watching import chain_table
from cloudpay.app.migrate import upgrade
from cloudpay.invoices.change import expire_due
from cloudpay.invoices.creation import NewInvoice, create
from cloudpay.invoices.models import InvoiceRow
from cloudpay.invoices.service import get
from cloudpay.invoices.states import InvoiceException, InvoiceStatus, Priority
from cloudpay.invoices.views import InvoiceView
from cloudpay.kernel.db import Database
from cloudpay.outbox.service import drain
from cloudpay.payments.health import verify
from cloudpay.payments.networks import network_views
from cloudpay.payments.views import NetworkView
from cloudpay.wiring import EVENT_HANDLERS
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import FaultProxy
from tests.flows.running import CLOUDPAY, wait_for

BLOCKS, SECONDS_BETWEEN = 5_000, 52  # three days
PAGE = 100
KILLED_AFTER = 20
LONGEST = 180.0
"""Seconds that reading may take on a machine that does much else; on a quiet one it takes three."""


@pytest.fixture
def chain() -> Iterator[DevChain]:
    """A node that mines when it is told to; with a block time, if a long one, it keeps few past states."""
    with DevChain.start("evm", block_time=3600) as running:
        yield running


@pytest.fixture
def proxy(chain: DevChain) -> Iterator[FaultProxy]:
    """What counts the questions to it."""
    with FaultProxy(chain.node.rpc_url) as running:
        yield running


@pytest.fixture
def settings_file(tmp_path: Path, chain: DevChain, proxy: FaultProxy, database_url: str) -> Path:
    """A gateway that watches this node for tokens."""
    database = Database(database_url)
    upgrade(database)
    database.close()
    # Without the second reading: what is asked for here is held to be asked for once.
    reading = {"watch_native": False, "scan_limit": PAGE, "second_reading_blocks": 0}
    table = chain_table(chain, {"rpc_urls": [proxy.url], **reading})
    return write_settings(tmp_path, {"evm": table}, database_url=database_url, log={"level": "info"})


@pytest.mark.timeout(3 * LONGEST)
def test_f45_a_watcher_that_was_offline_for_three_days_catches_up_and_goes_on_where_it_was_killed(
    settings_file: Path, chain: DevChain, proxy: FaultProxy
) -> None:
    with open_shop(settings_file) as shop:
        network = shop.gateway.chains.network("evm")
        verify(shop.gateway, network, shop.gateway.chains.adapter("evm"))
        start = chain.node.block_number()
        in_time, late = _invoice(shop), _invoice(shop)
        _pay(chain, in_time)
        _expire_after(shop, chain, in_time, late)
        for _ in range(0, BLOCKS, 250):
            chain.node.rpc.call("anvil_mine", hex(250), hex(SECONDS_BETWEEN))
        _pay(chain, late)
        chain.node.mine(5)
        head = chain.node.block_number()

        killed = _work(settings_file, CLOUDPAY_FAILPOINTS=f"page.committed=kill@{KILLED_AFTER}")
        assert killed.wait(LONGEST) == -signal.SIGKILL
        half_way = _view(shop)
        assert half_way.cursor == start + KILLED_AFTER * PAGE
        assert half_way.head == head
        assert half_way.catching_up is not None
        assert (half_way.catching_up.first, half_way.catching_up.last) == (start, head)
        assert half_way.catching_up.percent == 100 * KILLED_AFTER * PAGE // (head - start)

        proxy.calls.clear()
        again = _work(settings_file)
        wait_for("the head", lambda: _view(shop).cursor == head, LONGEST)
        wait_for("the end of the poll", lambda: _view(shop).polled_at is not None)
        again.send_signal(signal.SIGTERM)
        told = again.communicate(timeout=20)[0].decode()
        assert _view(shop).catching_up is None
        assert "catching_up" in told and "caught_up" in told, told

        asked = _ranges(proxy)
        assert asked[0][0] == half_way.cursor + 1, "nothing is read twice"
        assert all(last + 1 == first for (_, last), (first, _) in pairwise(asked))
        assert all(last - first < PAGE for first, last in asked)
        assert not any(call["params"][1] for call in proxy.calls if call["method"] == "eth_getBlockByNumber")

        while drain(shop.gateway, EVENT_HANDLERS):
            pass
        expire_due(shop.gateway)
        paid, other = (
            get(shop.gateway, shop.principal, in_time.id),
            get(shop.gateway, shop.principal, late.id),
        )
        assert (paid.status, paid.exception) == (InvoiceStatus.PAID, None)
        assert (other.status, other.exception) == (InvoiceStatus.EXPIRED, InvoiceException.LATE)
        assert other.option.confirmed == other.option.amount


def _work(settings_file: Path, **more: str) -> "subprocess.Popen[bytes]":
    """Start the watcher as a process."""
    environment: Mapping[str, str] = gateway_environment(settings_file, **more)
    command = [CLOUDPAY, "worker", "watch"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _view(shop: Shop) -> NetworkView:
    [view] = network_views(shop.gateway)
    return view


def _ranges(proxy: FaultProxy) -> list[tuple[int, int]]:
    """The ranges of blocks whose logs were asked for."""
    filters = [call["params"][0] for call in proxy.calls if call["method"] == "eth_getLogs"]
    return [(int(each["fromBlock"], 16), int(each["toBlock"], 16)) for each in filters if "fromBlock" in each]


def _invoice(shop: Shop) -> InvoiceView:
    made: list[InvoiceView] = []

    def keep(view: InvoiceView) -> str:
        made.append(view)
        return "{}"

    new = NewInvoice(
        amount=Decimal(10),
        total_usd=None,
        currency="USDT",
        network="evm",
        customer_name="John Doe",
        notification_emails="shop@example.com",
        callback_url=None,
        priority=Priority.MEDIUM,
        expiry_minutes=60,
    )
    create(shop.gateway, shop.principal, new, None, keep)
    return made[-1]


def _pay(chain: DevChain, invoice: InvoiceView) -> None:
    tx_id = chain.pay("USDT", invoice.option.address, invoice.option.amount)
    chain.node.mine(1)
    chain.wait_for(tx_id)


def _expire_after(shop: Shop, chain: DevChain, *invoices: InvoiceView) -> None:
    """Have invoices expire a second from now, as if they had been made an hour ago; answer when that has come."""
    with shop.gateway.db.read() as session:
        moment = shop.gateway.clock.now(session) + timedelta(seconds=1)
    ids = [each.id for each in invoices]
    with shop.gateway.db.transaction() as session:
        session.execute(update(InvoiceRow).where(InvoiceRow.id.in_(ids)).values(expires_at=moment))

    def is_over() -> bool:
        with shop.gateway.db.read() as session:
            return shop.gateway.clock.now(session) > moment

    wait_for("the expiry", is_over)
