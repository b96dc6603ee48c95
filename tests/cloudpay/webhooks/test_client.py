"""One call: where it may go (F90) and how long and large it may get (F91)."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.sections import Webhooks
from cloudpay.webhooks.client import MOST_ANSWER_BYTES, Outcome, WebhookClient
from cloudpay.webhooks.states import DeliveryStatus

PUBLIC = "93.184.215.14"
HEADERS = {"webhook-id": "evt_1"}


def post(url: str, *, private: bool = False, seconds: int = 1, verify: bool | str = True) -> Outcome:
    settings = Webhooks(allow_private_targets=private, timeout_seconds=seconds)
    return WebhookClient(settings, verify=verify).post(url, HEADERS, b"{}")


class Resolver:
    """Stands in for the system's resolver; answers names in turn, and notes which addresses were connected to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []
        self.connected: list[str] = []
        real = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, family: int = 0, type: int = 0, **_: Any) -> Any:  # noqa: A002
            if host not in self.answers:
                return real(host, port, family, type, flags=socket.AI_NUMERICHOST)
            self.asked.append(host)
            turns = self.answers[host]
            addresses = turns.pop(0) if len(turns) > 1 else turns[0]
            return [info for each in addresses for info in real(each, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        self._monkeypatch = monkeypatch

    def refuse_connections(self) -> None:
        def connect(_sock: socket.socket, address: Any) -> None:
            self.connected.append(address[0])
            raise ConnectionRefusedError

        self._monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


FORBIDDEN = [
    *(
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.100.100.200",
    ),
    *(
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.0.8",
        "192.88.99.1",
        "192.0.2.1",
    ),
    *(
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::7f00:1",
    ),
    *(
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:a00:1::",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "fec0::1",
    ),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_name_that_leads_inside_is_never_connected_to(resolver: Resolver, address: str) -> None:
    resolver.answers["shop.example"] = [[address]]
    resolver.refuse_connections()
    outcome = post("https://shop.example/hook")
    assert outcome.status is DeliveryStatus.FAILED
    assert "not a public address" in (outcome.error or "")
    assert resolver.connected == []


@pytest.mark.parametrize("addresses", [[PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::1"]])
def test_one_inside_address_among_public_ones_refuses_all(resolver: Resolver, addresses: list[str]) -> None:
    resolver.answers["shop.example"] = [addresses]
    resolver.refuse_connections()
    assert "not a public address" in (post("http://shop.example/").error or "")
    assert resolver.connected == []


def test_a_name_that_is_rebound_after_the_check_is_connected_to_where_it_was_checked(
    resolver: Resolver,
) -> None:
    resolver.answers["shop.example"] = [[PUBLIC], ["127.0.0.1"]]
    resolver.refuse_connections()
    post("https://shop.example/hook")
    assert resolver.asked == ["shop.example"]
    assert resolver.connected == [PUBLIC]


def test_each_checked_address_is_tried_while_none_takes_the_connection(resolver: Resolver) -> None:
    resolver.answers["shop.example"] = [[PUBLIC, "1.1.1.1"]]
    resolver.refuse_connections()
    assert post("http://shop.example/").error == "No connection to the endpoint could be made."
    assert resolver.connected == [PUBLIC, "1.1.1.1"]


def test_a_url_that_can_never_be_called_is_blocked_and_not_tried(resolver: Resolver) -> None:
    resolver.refuse_connections()
    for url in (
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "http://u:p@shop.example/",
        "http://shop.example:22/",
    ):
        assert post(url).status is DeliveryStatus.BLOCKED
    assert resolver.connected == [] and resolver.asked == []


def test_the_environment_cannot_route_calls_through_a_proxy(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
    resolver.answers["shop.example"] = [[PUBLIC]]
    resolver.refuse_connections()
    post("http://shop.example/")
    assert resolver.connected == [PUBLIC]


def test_a_name_that_does_not_resolve_fails_with_a_sentence(resolver: Resolver) -> None:
    outcome = post("https://nowhere.invalid/")
    assert (outcome.status, outcome.error) == (
        DeliveryStatus.FAILED,
        "The name nowhere.invalid could not be resolved.",
    )


def test_a_resolver_that_hangs_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answered.wait(20) and [])
    began = time.monotonic()
    outcome = post("https://shop.example/")
    answered.set()
    assert "within 1 seconds" in (outcome.error or "")
    assert time.monotonic() - began < 5


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for shop.example that vouches for itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "shop.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + secret)
    return file


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[tuple[int, list[str | None]]]:
    """Answers 200 over TLS; notes the name that each client asked for."""
    names: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server.server_port, names
    server.shutdown()
    server.server_close()


def test_tls_speaks_to_the_pinned_address_under_the_endpoints_own_name(
    resolver: Resolver, tls_server: tuple[int, list[str | None]], certificate: Path
) -> None:
    port, names = tls_server
    resolver.answers["shop.example"] = [["127.0.0.1"]]
    outcome = post(f"https://shop.example:{port}/", private=True, seconds=5, verify=str(certificate))
    assert (outcome.status_code, outcome.error) == (204, None)
    assert names == ["shop.example"]


def test_a_certificate_of_another_name_or_of_a_stranger_is_refused(
    resolver: Resolver, tls_server: tuple[int, list[str | None]], certificate: Path
) -> None:
    port, _ = tls_server
    resolver.answers["other.example"] = resolver.answers["shop.example"] = [["127.0.0.1"]]
    for name, verify in (("other.example", str(certificate)), ("shop.example", True)):
        outcome = post(f"https://{name}:{port}/", private=True, seconds=5, verify=verify)
        assert outcome.status is DeliveryStatus.FAILED
        assert "TLS" in (outcome.error or "")
