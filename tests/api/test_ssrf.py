"""F90: no spelling of an inner address is called, whether at creation, at the call, by a name or by a redirect."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from cloudpay.kernel.sections import Webhooks
from cloudpay.kernel.urls import CallableUrl
from cloudpay.webhooks.client import Outcome, WebhookClient
from cloudpay.webhooks.deadline import Deadline
from cloudpay.webhooks.states import DeliveryStatus
from cloudpay.webhooks.transport import open_session
from tests.api.hostile import CORPUS, IN_VERSION_6, LOOPBACK, METADATA, PRIVATE
from tests.api.house import House
from tests.api.nameserver import NameServer, name_server, resolve_by

PUBLIC, ALSO_PUBLIC = "93.184.215.14", "2606:4700::1111"


class Canary:
    """Listens on every loopback address there is; whoever connects is noted."""

    def __init__(self) -> None:
        self.touched: list[Any] = []
        self._socks = [socket.create_server(("0.0.0.0", 0))]  # all of 127/8, which is what is tried
        self.port: int = self._socks[0].getsockname()[1]
        if socket.has_ipv6:
            try:
                self._socks.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
            except OSError:
                assert not _has_loopback_6(), "there is an IPv6 loopback, but the canary cannot listen there"
        for sock in self._socks:
            threading.Thread(target=self._listen, args=(sock,), daemon=True).start()

    def _listen(self, sock: socket.socket) -> None:
        while True:
            try:
                connection, client = sock.accept()
            except OSError:
                return
            self.touched.append(client)
            connection.close()

    def close(self) -> None:
        for sock in self._socks:
            sock.shutdown(socket.SHUT_RDWR)
            sock.close()


def _has_loopback_6() -> bool:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
        return True


@pytest.fixture
def canary() -> Iterator[Canary]:
    listening = Canary()
    yield listening
    listening.close()


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes every address that is connected to; what is not loopback is refused, since tests stay on this machine."""
    addresses: list[str] = []
    real = socket.socket.connect

    def connect(sock: socket.socket, address: Any) -> None:
        if sock.type & socket.SOCK_STREAM and isinstance(address, tuple):
            addresses.append(str(address[0]))
            if not str(address[0]).startswith(("127.", "::1")):
                raise ConnectionRefusedError
        real(sock, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return addresses


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A name server of the test's own, asked over UDP."""
    real = socket.getaddrinfo
    with name_server() as server:

        def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
            return resolve_by(server, host, port, real)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield server


def _post(url: str, *, private: bool = False) -> Outcome:
    settings = Webhooks(allow_private_targets=private, timeout_seconds=5)
    return WebhookClient(settings).post(url, {}, b"{}")


def test_the_canary_sings_when_it_is_touched(canary: Canary) -> None:
    """So that its silence means something: each spelling that this system's resolver knows does reach it."""
    outcome = _post(f"http://127.0.0.1:{canary.port}/", private=True)
    assert outcome.status is DeliveryStatus.FAILED and len(canary.touched) == 1
    with socket.create_connection((socket.gethostbyname("127.1"), canary.port), 5):
        pass


def test_f90_every_hostile_target_is_refused_at_creation(house: House, canary: Canary) -> None:
    tenant = house.tenant("Attacker")
    taken = []
    for template in CORPUS:
        url = template.replace("{port}", str(canary.port))
        body = {"amount": "1", "currency": "ETH", "customer_name": "A", "notification_emails": ""}
        sent = json.dumps({**body, "callback_url": url}).encode()
        answer = house.send("POST", "/api/invoice", tenant.headers, sent)
        if answer.status != 422 or list(answer.json["errors"]) != ["callback_url"]:
            taken.append((url, answer.status))
    assert taken == []
    assert canary.touched == []


def test_f90_every_hostile_target_is_blocked_at_the_call(canary: Canary, reached: list[str]) -> None:
    """As it would be for a target that an older version, or a hand in the database, let in."""
    for template in CORPUS:
        outcome = _post(template.replace("{port}", str(canary.port)))
        assert outcome.status is DeliveryStatus.BLOCKED, (template, outcome)
        assert outcome.error
    assert reached == [] and canary.touched == []


def test_f90_redelivery_holds_a_target_against_the_rules_again(house: House, canary: Canary) -> None:
    tenant = house.tenant("Old")
    for template in [*LOOPBACK[:3], *METADATA[:2]]:
        url = template.replace("{port}", str(canary.port))
        delivery_id = house.delivery(tenant, tenant.invoice_id, url)
        path = f"/api/webhook/deliveries/{delivery_id}"
        kept = house.send("GET", path, tenant.headers).json
        assert (kept["status"], kept["attempt_count"]) == ("blocked", 0)
        assert house.send("POST", f"{path}/redeliver", tenant.headers, b"").status == 422
    assert canary.touched == []


_LITERALS = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "168.63.129.16",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001::7f00:1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", _LITERALS)
def test_f90_a_name_that_leads_inside_is_not_connected_to(
    names: NameServer, canary: Canary, reached: list[str], address: str
) -> None:
    names.turns["shop.example"] = [[address]]
    outcome = _post(f"http://shop.example:{canary.port}/")
    assert "not a public address" in (outcome.error or ""), outcome
    assert reached == [] and canary.touched == []


@pytest.mark.parametrize(
    "addresses",
    [
        [PUBLIC, "127.0.0.1"],
        ["127.0.0.1", PUBLIC],
        [PUBLIC, "10.0.0.1", PUBLIC],
        [PUBLIC, "::1"],
        [ALSO_PUBLIC, "::ffff:127.0.0.1"],
        [PUBLIC] * 6 + ["169.254.169.254"],
    ],
    ids=str,
)
def test_f90_one_inner_address_among_several_refuses_all(
    names: NameServer, canary: Canary, reached: list[str], addresses: list[str]
) -> None:
    names.turns["shop.example"] = [addresses]
    outcome = _post(f"http://shop.example:{canary.port}/")
    assert "not a public address" in (outcome.error or ""), outcome
    assert reached == [] and canary.touched == []


def test_f90_a_name_that_is_rebound_between_check_and_call_gains_nothing(
    names: NameServer, canary: Canary, reached: list[str]
) -> None:
    """The first answer is public and the next one private: the name is asked once, and that answer is called."""
    names.turns["shop.example"] = [[PUBLIC], ["127.0.0.1"]]
    outcome = _post(f"http://shop.example:{canary.port}/")
    assert outcome.error == "No connection to the endpoint could be made."
    assert names.asked == ["shop.example"], "asked once"
    assert reached == [PUBLIC] and canary.touched == []
    again = _post(f"http://shop.example:{canary.port}/")
    assert "not a public address" in (again.error or ""), (
        "the next attempt asks anew, and is refused by what it learns"
    )
    assert reached == [PUBLIC] and canary.touched == []


@pytest.mark.parametrize("address", _LITERALS)
def test_f90_the_connection_itself_refuses_an_inner_address(
    canary: Canary, reached: list[str], address: str
) -> None:
    """The second line: were the first check passed by, the same rules and the library's stand where sockets open."""
    target = CallableUrl("http", "shop.example", canary.port, "/")
    shown = f"[{address}]" if ":" in address else address
    session = open_session(target, Deadline(5), allow_private=False)
    with session, pytest.raises(requests.RequestException):
        session.post(f"http://{shown}:{canary.port}/", data=b"{}", timeout=5)
    assert reached == [] and canary.touched == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_f90_no_redirect_is_followed_wherever_it_leads(canary: Canary, reached: list[str], code: int) -> None:
    """Not even with private targets allowed, as here, since the one who redirects must be reached at all."""
    targets = [
        each.replace("{port}", str(canary.port)) for each in [*LOOPBACK, *IN_VERSION_6, *PRIVATE, *METADATA]
    ]
    locations = iter(targets)

    class Redirector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(code)
            self.send_header("Location", next(locations))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Redirector)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        for _ in targets:
            outcome = _post(f"http://127.0.0.1:{server.server_port}/", private=True)
            assert (outcome.status, outcome.status_code) == (DeliveryStatus.FAILED, code)
            assert "Redirects are not followed" in (outcome.error or "")
    finally:
        server.shutdown()
        server.server_close()
    assert canary.touched == []
    assert set(reached) == {"127.0.0.1"}


def test_f90_private_targets_are_off_unless_an_operator_allows_them(house: House) -> None:
    assert Webhooks().allow_private_targets is False
    assert house.gateway.settings.webhooks.allow_private_targets is False
