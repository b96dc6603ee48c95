"""One call: what goes out, what comes back, and how long and large it may get (F91)."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.webhooks.client import MOST_ANSWER_BYTES
from cloudpay.webhooks.states import DeliveryStatus
from tests.cloudpay.webhooks.calling import post


def test_the_call_goes_out_as_published(receive: Any, tools: Any) -> None:
    receiver = receive(tools.status(200))
    assert post(receiver.url + "?shop=1", private=True).status is DeliveryStatus.SUCCEEDED
    (call,) = receiver.calls
    assert call.path == "/hook?shop=1" and call.body == b"{}"
    assert call.headers["host"] == receiver.url.split("/")[2]
    assert call.headers["content-type"] == "application/json"
    assert call.headers["webhook-id"] == "evt_1"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_never_followed(receive: Any, tools: Any, code: int) -> None:
    elsewhere = receive(tools.status(200))
    receiver = receive(tools.status(code, Location=elsewhere.url))
    outcome = post(receiver.url, private=True)
    assert (outcome.status, outcome.status_code) == (DeliveryStatus.FAILED, code)
    assert elsewhere.calls == []


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (204, "succeeded"),
        (299, "succeeded"),
        (400, "failed"),
        (404, "failed"),
        (410, "gone"),
        (500, "failed"),
    ],
)
def test_the_status_code_decides(receive: Any, tools: Any, code: int, wanted: str) -> None:
    receiver = receive(tools.status(code, b"" if code == 204 else b"ok"))
    assert post(receiver.url, private=True).status == wanted


def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server without HTTP manners: reads the request, then talks as told."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                try:
                    request = b""
                    while not request.endswith(b"{}"):  # what is left unread would reset the connection
                        request += connection.recv(65536)
                    talk(connection)
                except OSError:
                    continue  # the gateway hung up, as it should

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/"
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def drip(head: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(b"a")
            time.sleep(0.1)

    return talk


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n",
    ],
    ids=["status line", "header", "body", "chunk"],
)
def test_a_byte_now_and_then_does_not_stretch_the_time(head: bytes) -> None:
    for url in raw_server(drip(head)):
        began = time.monotonic()
        outcome = post(url, private=True)
        assert outcome.status is DeliveryStatus.FAILED
        assert outcome.error == "The endpoint did not finish answering within 1 seconds."
        assert 0.9 < time.monotonic() - began < 5


@pytest.mark.parametrize("answer", [b"", b"\x15\x03\x01 not http\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_not_http_is_a_failure(answer: bytes) -> None:
    for url in raw_server(lambda connection: connection.sendall(answer)):
        outcome = post(url, private=True)
        assert outcome.status is DeliveryStatus.FAILED and outcome.error


def test_only_64_kib_of_a_gigabyte_are_read() -> None:
    sent: list[int] = []

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        block = bytes(65536)
        for number in range(16384):
            connection.sendall(block)
            sent.append(number)

    for url in raw_server(talk):
        outcome = post(url, private=True, seconds=5)
        assert outcome.status is DeliveryStatus.SUCCEEDED
        assert len(outcome.answer) <= 500
        assert (
            len(sent) * 65536 < 64 * 2**20
        )  # what the buffers of both kernels swallowed, far from all of it
    assert MOST_ANSWER_BYTES == 65536


def test_headers_without_end_are_refused() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 60_000 + b"\r\n")
        for _ in range(50):
            connection.sendall(b"X: " + b"a" * 60_000 + b"\r\n")

    for url in raw_server(talk):
        outcome = post(url, private=True, seconds=5)
        assert (outcome.status, outcome.error) == (
            DeliveryStatus.FAILED,
            "The endpoint's answer is too large.",
        )


def test_a_compressed_answer_is_not_unpacked(receive: Any, tools: Any) -> None:
    receiver = receive(tools.status(500, b"\x1f\x8b" + b"\x00" * 100, Content_Encoding="gzip"))
    outcome = post(receiver.url, private=True)
    assert outcome.status_code == 500
    assert outcome.answer.isprintable()


def test_what_is_kept_of_an_answer_is_short_and_printable(receive: Any, tools: Any) -> None:
    receiver = receive(tools.status(500, b"oh\x00\x1b[31m\xff no\r\n" + "é".encode() * 5000))
    answer = post(receiver.url, private=True).answer
    assert answer.startswith("oh  [31m\ufffd no  éé")
    assert len(answer) == 500 and answer.isprintable()


def test_a_call_inside_a_transaction_is_refused(gateway: Gateway) -> None:
    with gateway.db.transaction(), pytest.raises(RuntimeError):
        post("http://127.0.0.1:9/", private=True)
