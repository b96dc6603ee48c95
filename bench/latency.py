"""From a block at the node to the webhook at the merchant: the whole gateway runs as `cloudpay up` runs it."""

import contextlib
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sqlalchemy import select

from bench.report import Figure, Scale
from bench.servers import folder, gateway_environment, postgres, running, wait_for
from bench.shops import Shop, database, open_shop, write_settings
from bench.starting import is_ready
from bench.watching import chain_table
from cloudpay.app.ports import free_port
from cloudpay.invoices.creation import NewInvoice, create
from cloudpay.invoices.models import InvoiceRow
from cloudpay.invoices.states import Priority
from cloudpay.invoices.views import InvoiceView
from cloudpay.payments.models import PaymentRow
from cloudpay.webhooks.models import Attempt, Delivery
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.rpc import JsonRpc

_BLOCK_SECONDS = 1.0
_A_BLOCK = 2
"""Payments in each block: one in the native coin, one in a token."""
_LOOK_SECONDS = 0.004
_PATIENCE = 60.0
_MEDIAN, _P99 = 0.5, 1.5
"""Seconds that are wanted."""
_STEPS = (
    ("block until it was noticed and read", "seen"),
    ("credited", "final"),
    ("invoice paid", "paid"),
    ("webhook queued", "queued"),
    ("webhook sent", "sent"),
    ("webhook arrived", "arrived"),
)


def latency(scale: Scale) -> list[Figure]:
    """Measure on SQLite."""
    return _measure(scale, None, "SQLite")


def latency_on_postgres(scale: Scale) -> list[Figure]:
    """Measure on PostgreSQL."""
    with postgres() as server:
        return _measure(scale, server, "PostgreSQL")


@dataclass
class Receiver:
    """A merchant's endpoint; `arrived` holds when it was told of each invoice that is paid."""

    url: str
    arrived: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trace:
    """When a payment came to each step, in seconds of the day's clock; `block` is when the node had the block."""

    symbol: str
    at: Mapping[str, float]


def _measure(scale: Scale, server: str | None, name: str) -> list[Figure]:
    count = scale.of(120, 10)
    with (
        folder() as data,
        database(server) as url,
        DevChain.start("evm", block_time=_BLOCK_SECONDS) as chain,
        _receiver() as receiver,
    ):
        port = free_port()
        keys: dict[str, Any] = {"database_url": url, "web": {"port": port}}
        keys |= {"webhooks": {"allow_private_targets": True}, "log": {"level": "warning"}}
        table = chain_table(chain, {"confirmations": 1, "block_seconds": _BLOCK_SECONDS})
        settings_file = write_settings(data, {"evm": table}, **keys)
        with open_shop(settings_file) as shop:
            command = [sys.executable, "-m", "cloudpay.cli", "up"]
            with running(command, lambda: is_ready(port), gateway_environment(settings_file)):
                traces = _pay_and_wait(shop, chain, receiver, count)
    how = (
        f"{len(traces)} payments, {_A_BLOCK} in each block of {_BLOCK_SECONDS:g} s, one confirmation, {name}"
    )
    return [*_whole(traces, how), *_by_step(traces)]


def _pay_and_wait(shop: Shop, chain: DevChain, receiver: Receiver, count: int) -> list[Trace]:
    symbols = ["ETH", "USDT"]
    invoices = [invoice(shop, symbols[number % 2], receiver.url) for number in range(count)]
    with _blocks(chain) as met:
        heights = _pay(chain, invoices, met)
        wait_for(lambda: len(receiver.arrived) == count, "every webhook", _PATIENCE, _LOOK_SECONDS)
    return [
        Trace(invoice.option.currency, {**_steps(shop, invoice.id), "block": met[height], "arrived": arrived})
        for invoice, height in zip(invoices, heights, strict=True)
        if (arrived := receiver.arrived[invoice.id])
    ]


def _pay(chain: DevChain, invoices: Sequence[InvoiceView], met: Mapping[int, float]) -> list[int]:
    """Pay a few invoices for each block; answer the heights of their blocks."""
    sent: list[str] = []
    for start in range(0, len(invoices), _A_BLOCK):
        before = max(met)
        wait_for(partial(_is_beyond, met, before), "a block", _PATIENCE, _LOOK_SECONDS)
        asked = [each.option for each in invoices[start : start + _A_BLOCK]]
        sent += [chain.pay(option.currency, option.address, option.amount) for option in asked]
    return [chain.wait_for(tx_id).block_number for tx_id in sent]


def _steps(shop: Shop, invoice_id: str) -> dict[str, float]:
    """Read from the database when each step was committed, or was about to be."""
    with shop.gateway.db.read() as session:
        payment = session.scalars(select(PaymentRow).where(PaymentRow.invoice_id == invoice_id)).one()
        paid_at = session.get_one(InvoiceRow, invoice_id).paid_at
        delivery = session.scalars(
            select(Delivery).where(Delivery.invoice_id == invoice_id, Delivery.event_type == "invoice.paid")
        ).one()
        sent_at = session.scalars(
            select(Attempt.started_at).where(Attempt.delivery_id == delivery.id)
        ).first()
    moments = {"seen": payment.first_seen_at, "final": payment.final_at, "paid": paid_at}
    moments |= {"queued": delivery.created_at, "sent": sent_at}
    return {step: moment.timestamp() for step, moment in moments.items() if moment is not None}


def _whole(traces: Sequence[Trace], how: str) -> Iterator[Figure]:
    for symbol in ("ETH", "USDT"):
        took = sorted(each.at["arrived"] - each.at["block"] for each in traces if each.symbol == symbol)
        kind = "native coin" if symbol == "ETH" else "token"
        yield Figure(f"block to webhook, {kind}, median", statistics.median(took), "s", how, at_most=_MEDIAN)
        yield Figure(f"block to webhook, {kind}, p99", _p99(took), "s", at_most=_P99)


def _by_step(traces: Sequence[Trace]) -> Iterator[Figure]:
    before = "block"
    for what, step in _STEPS:
        took = sorted(each.at[step] - each.at[before] for each in traces)
        yield Figure(f"  of this, {what}", statistics.median(took), "s", f"p99 {_p99(took):.3f} s")
        before = step


def _is_beyond(met: Mapping[int, float], height: int) -> bool:
    return max(met) > height


def _p99(ordered: Sequence[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


def invoice(shop: Shop, symbol: str, url: str, amount: int = 1, network: str = "evm") -> InvoiceView:
    """Create an invoice that is told to an endpoint."""
    made: list[InvoiceView] = []

    def keep(view: InvoiceView) -> str:
        made.append(view)
        return "{}"

    new = NewInvoice(
        amount=Decimal(amount),
        total_usd=None,
        currency=symbol,
        network=network,
        customer_name="John Doe",
        notification_emails="shop@example.com",
        callback_url=url,
        priority=Priority.MEDIUM,
        expiry_minutes=60,
    )
    create(shop.gateway, shop.principal, new, None, keep)
    return made[-1]


@contextlib.contextmanager
def _blocks(chain: DevChain) -> Iterator[dict[int, float]]:
    """When the node was first seen with each block, by height: it is asked every few milliseconds."""
    met: dict[int, float] = {chain.node.block_number(): time.time()}
    stop = threading.Event()

    def look() -> None:
        rpc = JsonRpc(chain.node.rpc_url)
        while not stop.wait(_LOOK_SECONDS):
            height, now = rpc.number("eth_blockNumber"), time.time()
            for each in range(max(met) + 1, height + 1):
                met[each] = now
        rpc.close()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield met
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def _receiver() -> Iterator[Receiver]:
    """A web server on loopback that takes webhooks."""

    class Hook(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            now = time.time()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if body["status"] == "paid":
                receiver.arrived.setdefault(body["invoice_id"], now)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield receiver
        server.shutdown()
