import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.service import MerchantView
from cloudpay.testing import FixedClock
from cloudpay.webhooks.loop import DeliveryLoop
from cloudpay.webhooks.service import deliveries, enqueue
from cloudpay.webhooks.views import DeliveryView
from tests.cloudpay.webhooks.calling import Resolver

LIMIT = 30.0  # seconds that a test waits for what must come


@pytest.fixture
def clock() -> FixedClock:
    """Stands still at the real time: receivers refuse signatures that are minutes old."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """A resolver that the test answers for."""
    return Resolver(monkeypatch)


@pytest.fixture
def development(gateway: Gateway) -> Gateway:
    """A gateway that may call loopback, and gives up on a call after two seconds."""
    return with_webhooks(gateway, allow_private_targets=True, timeout_seconds=2)


def with_webhooks(gateway: Gateway, **changes: Any) -> Gateway:
    webhooks = msgspec.structs.replace(gateway.settings.webhooks, **changes)
    return replace(gateway, settings=msgspec.structs.replace(gateway.settings, webhooks=webhooks))


@dataclass
class Call:
    """One request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """A merchant's endpoint on loopback; `answers` are used up in turn, the last one for ever."""

    answers: list[Answer]
    calls: list[Call] = field(default_factory=list)
    most_at_once: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    release: threading.Event = field(default_factory=threading.Event)
    under_way: int = 0
    url: str = ""

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self.changed:
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.calls.append(Call(handler.path, headers, body))
            self.under_way += 1
            self.most_at_once = max(self.most_at_once, self.under_way)
            answer = self.answers[min(len(self.calls), len(self.answers)) - 1]
            self.changed.notify_all()
        try:
            answer(handler)
        except OSError:
            handler.close_connection = True  # the gateway hung up, which many tests want it to
        finally:
            with self.changed:
                self.under_way -= 1
                self.changed.notify_all()

    def wait(self, calls: int) -> list[Call]:
        """Wait until this many calls came in."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.calls) >= calls, LIMIT), (
                f"{len(self.calls)} of {calls} came"
            )
            return list(self.calls)


def status(code: int, body: bytes = b"ok", **headers: str) -> Answer:
    """Answer at once."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    """Start endpoints that answer as told; those that hang are released at the end."""
    servers: list[tuple[ThreadingHTTPServer, Receiver]] = []

    def start(*answers: Answer, hang: bool = False) -> Receiver:
        receiver = Receiver(list(answers))
        if hang:
            receiver.answers = [lambda handler: (receiver.release.wait(LIMIT), status(200)(handler))[1]]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.handle(self)

            def log_message(self, *_: Any) -> None:
                """Tests say what went wrong themselves."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append((server, receiver))
        return receiver

    yield start
    for server, receiver in servers:
        receiver.release.set()
        server.shutdown()
        server.server_close()


@contextmanager
def running(gateway: Gateway, loops: int = 1) -> Iterator[threading.Event]:
    """Run delivery loops beside the test, woken by nudges; the event wakes the first one."""
    stop, wakes = threading.Event(), [threading.Event() for _ in range(loops)]
    gateway.db.nudge = lambda queue: wakes[0].set() if queue == "webhooks" else None
    threads = [
        threading.Thread(target=DeliveryLoop(gateway).run, args=(stop, wake), daemon=True) for wake in wakes
    ]
    for thread in threads:
        thread.start()
    try:
        yield wakes[0]
    finally:
        stop.set()
        for wake in wakes:
            wake.set()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()


@dataclass
class Bench:
    """What most tests do with one merchant's deliveries."""

    gateway: Gateway
    merchant: MerchantView

    def enqueue(
        self, url: str, event_id: str = "evt_1", body: str = '{"status":"paid"}', **more: Any
    ) -> None:
        values = {"event_type": "invoice.changed", "livemode": False, "invoice_id": "INV-1", **more}
        values.setdefault("merchant_id", self.merchant.id)
        enqueue(self.gateway, event_id=event_id, url=url, body=body, **values)

    def only(self) -> DeliveryView:
        (delivery,) = deliveries(self.gateway, self.merchant.id).items
        return delivery

    def until(self, wanted: Callable[[DeliveryView], bool]) -> DeliveryView:
        """Wait until the only delivery is as wanted."""
        tick, delivery = threading.Event(), self.only()
        for _ in range(int(LIMIT / 0.02)):
            delivery = self.only()
            if wanted(delivery):
                return delivery
            tick.wait(0.02)
        raise AssertionError(f"still {delivery}")


@pytest.fixture
def bench(development: Gateway, merchant: MerchantView) -> Bench:
    return Bench(development, merchant)


@pytest.fixture
def tools() -> Any:
    """The helpers of this folder, for tests that cannot import a conftest."""

    class Tools:
        status = staticmethod(status)
        running = staticmethod(running)
        with_webhooks = staticmethod(with_webhooks)
        limit = LIMIT

    return Tools
