"""Invoices over a real socket: granian and Valkey as `cloudpay up` starts them, no node and no watcher beside them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.load import CONNECTIONS, Result, press
from bench.processes import costs_below
from bench.report import Figure, Scale
from bench.servers import folder, postgres, web_server
from bench.shops import Shop, add_open_invoices, database, open_shop, write_settings
from cloudpay.app.ports import free_port
from cloudpay.kernel.sections import Web
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

_SHAPES = ((1, Web().threads), (2, 2))
"""Server processes, and threads of each: as CloudPay is delivered, and as its manual advises for two cores."""

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


@dataclass(frozen=True)
class _Run:
    """What the client counted, and seconds of processor time by who spent them."""

    result: Result
    cpu: Mapping[str, float]


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
    for workers, threads in _SHAPES[:1] if scale.quick else _SHAPES:
        with folder() as data, database(server) as url:
            run = _once(data, url, (workers, threads), work, scale.of(6, 2))
        how = f"{name}, {CONNECTIONS} connections, {workers} server process(es) of {threads} threads"
        result, each = (
            run.result,
            {who: seconds * 1000 / run.result.asked for who, seconds in run.cpu.items()},
        )
        shares = ", ".join(f"{who} {spent:.2f}" for who, spent in each.items())
        figures += [
            Figure(f"{what}, {workers} process(es)", result.rate, "per second", how, at_least=goal),
            Figure("  of these, median", result.p50, "ms"),
            Figure(
                "  of these, p99", result.p99, "ms", f"{result.failed} of {result.count} failed", at_most=p99
            ),
            Figure("  processor time for each, of all together", sum(each.values()), "ms", shares),
        ]
    return figures


def _once(data: Path, url: str, shape: tuple[int, int], work: Press, seconds: int) -> _Run:
    port, (workers, threads) = free_port(), shape
    web = {"port": port, "workers": workers, "threads": threads}
    settings_file = write_settings(data, {"evm": NETWORK}, database_url=url, web=web)
    with open_shop(settings_file) as shop:
        open_network(shop)
        add_open_invoices(shop, shop.gateway.chains.find_asset("USDT", "evm"), range(_READ))
        with web_server(settings_file, port, workers) as served:
            pids = {"web": served.web, "valkey": served.valkey} | _database_server(shop)
            before = {who: _processor_seconds(pid) for who, pid in pids.items()}
            result = work(shop, port, seconds)
            cpu = {who: _processor_seconds(pid) - before[who] for who, pid in pids.items()}
    return _Run(result, {**cpu, "client": result.cpu})


def _database_server(shop: Shop) -> dict[str, int]:
    """Answer the process of PostgreSQL that all others of the server are children of; SQLite has none."""
    if shop.gateway.db.engine.dialect.name == "sqlite":
        return {}
    backend = shop.gateway.db.ask(
        lambda session: session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    )
    stat = Path(f"/proc/{backend}/stat").read_text()
    return {"database": int(stat.rpartition(")")[2].split()[1])}


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
