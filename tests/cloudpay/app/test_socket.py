"""Over a real socket, under the real server: what a test client cannot show."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.merchants.keys import NewKey
from cloudpay.merchants.service import MerchantView

LIST = "/api/webhook/deliveries"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: dict[str, Any]


class Server:
    """A granian server of its own."""

    def __init__(self, database_url: str, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = log
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws"]
        command += ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1", "served:make"]
        environment = {
            **os.environ,
            "SERVED_DATABASE": database_url,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[3])]),
        }
        with log.open("wb") as sink:
            self.process = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 40
        while True:
            try:
                assert self.send("GET", "/healthz").status == 200
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)

    def send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request; an iterable body goes out in chunks, without a length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            chunked = body is not None and not isinstance(body, bytes)
            connection.request(method, path, body, headers or {}, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), json.loads(response.read()))
        finally:
            connection.close()


@pytest.fixture
def server(gateway: Gateway, key: NewKey, tmp_path: Path) -> Iterator[Server]:
    running = Server(gateway.db.url, tmp_path / "server.log")
    try:
        running.wait()
        yield running
    finally:
        running.process.terminate()
        running.process.wait(15)


def test_over_a_real_socket(server: Server, merchant: MerchantView, key: NewKey) -> None:
    """One server for all of these: it takes longer to start than they take."""
    _both_spellings_of_the_merchant_header_arrive(server, merchant, key)
    _json_is_read_whatever_type_curl_gives_it(server, key)
    _huge_bodies_are_refused_with_and_without_a_length(server, key)
    _a_forged_address_changes_nothing(server, key)
    _no_secret_is_in_the_log(server, key)


def _both_spellings_of_the_merchant_header_arrive(
    server: Server, merchant: MerchantView, key: NewKey
) -> None:
    for name in ("merchant_id", "merchant-id", "Merchant-Id", "MERCHANT_ID"):
        good = server.send("GET", LIST, {"x-api-key": key.secret, name: merchant.id})
        assert good.status == 200, (name, good)
        bad = server.send("GET", LIST, {"x-api-key": key.secret, name: "mer_other"})
        assert (bad.status, bad.body["code"]) == (401, "merchant_id_contradiction"), name
    assert server.send("GET", LIST, {"x-api-key": key.secret}).status == 200


def _json_is_read_whatever_type_curl_gives_it(server: Server, key: NewKey) -> None:
    for given in ("application/x-www-form-urlencoded", "application/json", "text/plain"):
        headers = {"x-api-key": key.secret, "Content-Type": given}
        answer = server.send("POST", "/api/invoice", headers, b'{"amount": "-1", "colour": 1}')
        assert answer.status == 422
        assert {"amount", "colour", "currency"} <= set(answer.body["errors"])


def _huge_bodies_are_refused_with_and_without_a_length(server: Server, key: NewKey) -> None:
    """F100."""
    headers = {"x-api-key": key.secret, "Content-Type": "application/json"}
    large = b'{"a": "' + b"x" * 70_000 + b'"}'
    chunks = [b"x" * 7_000] * 10
    for body in (large, iter(chunks)):
        answer = server.send("POST", "/api/invoice", headers, body)
        assert (answer.status, answer.body["code"]) == (413, "body_too_large")
    announced = {**headers, "Content-Length": str(100 * 1024 * 1024)}
    answer = server.send("POST", "/api/invoice", announced)
    assert answer.status == 413, "refused by its length, before a byte of it is read"
    small = iter([b'{"amount": ', b'"-1"}'])
    answer = server.send("POST", "/api/invoice", headers, small)
    assert answer.status == 422
    assert "amount" in answer.body["errors"], "a chunked body is read, not taken for an empty one"
    assert server.send("GET", "/healthz").status == 200


def _a_forged_address_changes_nothing(server: Server, key: NewKey) -> None:
    """F97."""
    answer = server.send("GET", "/metrics", {"X-Forwarded-For": "10.0.0.1"})
    assert answer.status == 404
    assert server.send("GET", LIST, {"x-api-key": key.secret, "X-Forwarded-For": "x"}).status == 200


def _no_secret_is_in_the_log(server: Server, key: NewKey) -> None:
    """F98."""
    server.send("GET", f"{LIST}?token={key.secret}", {"x-api-key": key.secret})
    text = server.log.read_text()
    assert key.view.id in text
    assert key.secret not in text
    assert key.secret[3:] not in text
