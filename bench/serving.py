"""Invoices over a real socket: granian and Valkey as `cloudpay up` starts them, no node and no watcher beside them."""

import json
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from bench.load import CONNECTIONS, Result, press
from bench.processes import costs_below
from bench.report import Figure, Scale
from bench.servers import folder, postgres, web_server
from bench.shops import Shop, add_open_invoices, database, open_shop, write_settings
from cloudpay.app.ports import free_port
from cloudpay.payments.networks import enter, network_row
from cloudpay.payments.states import NetworkStatus

NETWORK = {"live": False, "rpc_urls": ["http://127.0.0.1:9"], "stalled_after_seconds": 86_400}
BODY = json.dumps(
    {
        "amount": "10.00",
        "currency": "USDT",
        "network": "evm",
        "customer_name": "John Doe",
        "notification_emails": "shop@example.com",
        "callback_url": "https://shop.example.com/hook",
    }
)
_CREATIONS, _CREATION_P99 = 400, 120
_READS = 1_200
"""What is wanted: a second, and milliseconds."""
_READ = 500
"""Invoices that the readers take turns in."""

Press = Callable[[Shop, int, int], Result]


def creations(scale: Scale) -> list[Figure]:
    """Create invoices on SQLite (WAL, synchronous=FULL)."""
    return _serve(scale, None, _create, "invoices created", "SQLite", _CREATIONS, _CREATION_P99)


def creations_on_postgres(scale: Scale) -> list[Figure]:
    """Create invoices on PostgreSQL."""
    with postgres() as server:
        return _serve(scale, server, _create, "invoices created", "PostgreSQL", _CREATIONS, _CREATION_P99)


def reads(scale: Scale) -> list[Figure]:
    """Read invoices on SQLite."""
    return _serve(scale, None, _read, "invoice states read", "SQLite", _READS)


def reads_on_postgres(scale: Scale) -> list[Figure]:
    """Read invoices on PostgreSQL."""
    with postgres() as server:
        return _serve(scale, server, _read, "invoice states read", "PostgreSQL", _READS)


def _create(shop: Shop, port: int, seconds: int) -> Result:
    requests = [("POST", "/api/invoice")]
    return press(port, shop.headers, requests, seconds=seconds, body=BODY)


def _read(shop: Shop, port: int, seconds: int) -> Result:
    from cloudpay.invoices.service import Filters, list_invoices
    from cloudpay.kernel.paging import Paging

    page = list_invoices(shop.gateway, shop.principal, Filters(), Paging(limit=100))
    requests = [("GET", f"/api/invoice/{invoice.id}") for invoice in page.items]
    return press(port, shop.headers, requests, seconds=seconds)


def _serve(
    scale: Scale,
    server: str | None,
    work: Press,
    what: str,
    name: str,
    goal: float,
    p99: float | None = None,
) -> list[Figure]:
    figures: list[Figure] = []
    for workers in (1,) if scale.quick else (1, 2):
        with folder() as data, database(server) as url:
            result, cpu = _once(data, url, workers, work, scale.of(6, 2))
        how = f"{name}, {CONNECTIONS} connections, {workers} server process(es) of 4 threads"
        figures += [
            Figure(f"{what}, {workers} process(es)", result.rate, "per second", how, at_least=goal),
            Figure("  of these, median", result.p50, "ms"),
            Figure(
                "  of these, p99", result.p99, "ms", f"{result.failed} of {result.count} failed", at_most=p99
            ),
            Figure(
                "  server's processor time for each",
                cpu * 1000,
                "ms",
                "what other programs do hardly matters",
            ),
        ]
    return figures


def _once(data: Path, url: str, workers: int, work: Press, seconds: int) -> tuple[Result, float]:
    """Answer what the client counted, and the server's seconds of processor time for each request."""
    port = free_port()
    web = {"port": port, "workers": workers}
    settings_file = write_settings(data, {"evm": NETWORK}, database_url=url, web=web)
    with open_shop(settings_file) as shop:
        open_network(shop)
        add_open_invoices(shop, shop.gateway.chains.find_asset("USDT", "evm"), range(_READ))
        with web_server(settings_file, port) as server:
            before = _processor_seconds(server)
            result = work(shop, port, seconds)
            return result, (_processor_seconds(server) - before) / result.asked


def _processor_seconds(pid: int) -> float:
    return sum(each.cpu for each in costs_below(pid))


def open_network(shop: Shop) -> None:
    """Stand in for a watcher that has verified the nodes and read a block: there is no node here."""

    def work(session: Session) -> None:
        row = network_row(session, "evm")
        row.answered_at = shop.gateway.clock.now(session)
        row.cursor_height, row.cursor_hash = 1, "0x" + "00" * 32
        enter(session, shop.gateway, row, NetworkStatus.ACTIVE)

    shop.gateway.db.run(work)
