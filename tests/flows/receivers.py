"""Merchants' webhook endpoints: the published PHP example under real PHP, and one that verifies signatures."""

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.flows.running import wait_for

PHP_EXAMPLE = """<?php
// Read JSON Payload
$json = file_get_contents('php://input');
$data = json_decode($json, true);
if ($data['status'] == 'paid') {
$invoiceId = $data['invoice_id'];
// TODO: Mark order as complete in your DB
file_put_contents('payment_logs.txt', "Paid: $invoiceId\\n", FILE_APPEND);
}
http_response_code(200);
?>"""
"""The example of the published page, as it stands there."""


@dataclass
class PhpReceiver:
    """The published example behind PHP's own web server."""

    url: str
    log: Path

    def paid(self) -> list[str]:
        """Answer the ids that it logged as paid."""
        if not self.log.exists():
            return []
        return [line.removeprefix("Paid: ") for line in self.log.read_text(encoding="utf-8").splitlines()]


@contextmanager
def php_receiver(folder: Path) -> Iterator[PhpReceiver]:
    """Run the published PHP example."""
    (folder / "hook.php").write_text(PHP_EXAMPLE, encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        ["php", "-S", f"127.0.0.1:{port}", "-t", str(folder)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def listening() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for("PHP", listening)
        yield PhpReceiver(f"http://127.0.0.1:{port}/hook.php", folder / "payment_logs.txt")
    finally:
        process.terminate()
        process.wait(timeout=10)


@dataclass
class VerifyingReceiver:
    """An endpoint that accepts only what the reference library verifies."""

    secret: str
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def of(self, invoice_id: str) -> list[dict[str, Any]]:
        """Answer the verified events of one invoice."""
        return [each for each in self.bodies if each["invoice_id"] == invoice_id]

    def statuses(self, invoice_id: str) -> list[str]:
        """Answer the statuses that were told, by their sequence, each event once."""
        by_sequence = {each["sequence"]: each["status"] for each in self.of(invoice_id)}
        return [by_sequence[number] for number in sorted(by_sequence)]


@contextmanager
def verifying_receiver(secret: str) -> Iterator[VerifyingReceiver]:
    """Run an endpoint that verifies Standard Webhooks signatures."""
    receiver = VerifyingReceiver(secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                receiver.bodies.append(Webhook(receiver.secret).verify(body.decode(), headers))
            except WebhookVerificationError as error:
                receiver.refused.append(repr(error))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests say what went wrong themselves."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
