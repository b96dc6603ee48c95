"""A merchant's webhook endpoints, many of them, each of which keeps what it verified."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass
class Endpoints:
    """What arrived, by event id; `refused` is what did not verify."""

    secret: str
    urls: list[str] = field(default_factory=list)
    bodies: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    calls: int = 0
    refused: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: str, headers: dict[str, str]) -> None:
        """Keep a call that verifies."""
        try:
            Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError as error:
            self.refused.append(repr(error))
            return
        with self.lock:
            self.calls += 1
            self.bodies[headers["webhook-id"]].add(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    endpoints: Endpoints


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # the caller was killed in the middle
            self.close_connection = True
            return
        self.server.endpoints.take(
            body.decode(), {name.lower(): value for name, value in self.headers.items()}
        )
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # the caller was killed in the middle
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """The run says what is wrong itself."""


@contextmanager
def endpoints(secret: str, count: int) -> Iterator[Endpoints]:
    """Run so many endpoints: two calls to each at a time are allowed, and a killed worker's claims keep them busy."""
    found = Endpoints(secret)
    servers = [_Server(("127.0.0.1", 0), _Handler) for _ in range(count)]
    for server in servers:
        server.endpoints = found
        found.urls.append(f"http://127.0.0.1:{server.server_port}/hook")
        threading.Thread(target=server.serve_forever, args=(0.5,), daemon=True).start()
    try:
        yield found
    finally:
        stops = [threading.Thread(target=server.shutdown) for server in servers]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
        for server in servers:
            server.server_close()
