"""TLS to the pinned address, under the endpoint's own name."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudpay.webhooks.states import DeliveryStatus
from tests.cloudpay.webhooks.calling import Resolver, post


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
