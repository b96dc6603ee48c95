"""F100 and its kin over a real socket: bodies, headers and paths that no well-behaved client sends."""

import gzip
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.api.house import House, Tenant
from tests.api.wire import Wire, read_all, request

HUNDRED_MB = 100 * 1024 * 1024


@pytest.fixture(scope="module")
def tenant(house: House) -> Tenant:
    """Whose key all of this is sent with: strangers are turned away before a body is read."""
    return house.tenant("Tea Shop")


@pytest.fixture
def wire(house: House) -> Wire:
    """A way to send raw bytes."""
    return Wire(house)


@pytest.fixture(autouse=True)
def nothing_broke(house: House) -> object:
    """Whatever a test sends, the server lives on and has logged no error."""
    before = house.log.read_text(encoding="utf-8").count('"level": "error"')
    yield None
    assert house.process is not None and house.process.poll() is None
    assert house.send("GET", "/healthz").status == 200
    text = house.log.read_text(encoding="utf-8")
    assert text.count('"level": "error"') == before and "Traceback" not in text, text[-3000:]


def _post(tenant: Tenant, *headers: str, body: bytes = b"") -> bytes:
    return request("POST", "/api/invoice", f"x-api-key: {tenant.api_key}", *headers, body=body)


def _with_length(tenant: Tenant, body: bytes, *headers: str) -> bytes:
    return _post(tenant, f"Content-Length: {len(body)}", *headers, body=body)


def _in_chunks(tenant: Tenant, body: bytes) -> bytes:
    return _post(tenant, "Transfer-Encoding: chunked", body=body)


BODIES = {
    "100,000 levels of lists": (b"[" * 100_000, 400),
    "100,000 levels, closed": (b"[" * 100_000 + b"]" * 100_000, 400),
    "100,000 levels of objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
    "a key twice": (b'{"amount":"1","amount":"2"}', 400),
    "a key twice, written otherwise": (b'{"amount":"1","am\\u006funt":"2"}', 400),
    "a key twice inside": (b'{"a":{"b":1,"b":2}}', 400),
    "200,000 keys": (b"{" + b",".join(b'"%d":1' % each for each in range(200_000)) + b"}", 400),
    "a number of a million digits": (b'{"amount":' + b"9" * 1_000_000 + b"}", 400),
    "an exponent of a million": (b'{"amount":1e1000000}', 422),
    "NaN": (b'{"amount":NaN}', 400),
    "a lone surrogate": (b'{"customer_name":"\\ud800"}', 400),
    "NUL": (b'{"customer_name":"a\\u0000"}', 400),
    "a text of 8 MB": (b'{"customer_name":"' + b"x" * 8_000_000 + b'"}', 422),
    "two values": (b"{}{}", 400),
    "UTF-16": ('{"amount":"1"}'.encode("utf-16"), 400),
    "Latin-1": ('{"customer_name":"ä"}'.encode("latin-1"), 400),
    "with a mark of its order": (b"\xef\xbb\xbf{}", 422),
    "white space alone": (b" \r\n\t ", 422),
    "nothing": (b"", 422),
}


@pytest.mark.parametrize("kind", BODIES)
def test_f100_a_body_that_cannot_be_used_is_refused_soon(wire: Wire, tenant: Tenant, kind: str) -> None:
    body, status = BODIES[kind]
    reply = wire.send(_with_length(tenant, body, "Content-Type: application/json; charset=utf-7"))
    assert reply.status == status, reply.raw[:500]
    assert b"application/problem+json" in reply.raw
    assert reply.seconds < 10


def test_f100_a_hundred_megabytes_are_refused_unread(wire: Wire, tenant: Tenant, house: House) -> None:
    """Announced and sent, announced alone, and in chunks without a length; the server grows by nothing like it."""
    announced = f"Content-Length: {HUNDRED_MB}"
    before = _peak_kb(house)
    assert wire.send(_post(tenant, announced)).status == 413
    assert wire.send(_post(tenant, announced, body=b"x" * HUNDRED_MB)).status == 413
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    assert wire.send(_in_chunks(tenant, chunk * 100 + b"0\r\n\r\n")).status == 413
    assert _peak_kb(house) - before < 64 * 1024


def _peak_kb(house: House) -> int:
    """The most memory that any process of the server has held at once."""
    assert house.process is not None
    pids = [house.process.pid, *_children(house.process.pid)]
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return max(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in map(int, found) for each in (child, *_children(child))]


LIES = {
    "shorter than it says, then gone": (b'{"amount":"1"}', "Content-Length: 300", 400),
    "longer than it says": (b'{"amount":"1"}', "Content-Length: 4", 400),
    "two lengths": (b"{}", "Content-Length: 2\r\nContent-Length: 3", 400),
    "a negative length": (b"{}", "Content-Length: -1", 400),
    "a signed length": (b"{}", "Content-Length: +2", 400),
    "a length beyond all numbers": (b"{}", "Content-Length: 99999999999999999999999", 400),
    "a length and chunks": (b"0\r\n\r\nGET /", "Content-Length: 4\r\nTransfer-Encoding: chunked", 400),
    "chunks that are none": (b"zz\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked", 400),
    "chunks that stop": (b'e\r\n{"amount":"1"', "Transfer-Encoding: chunked", 400),
    "an unknown encoding": (b"0\r\n\r\n", "Transfer-Encoding: xchunked", 400),
}


@pytest.mark.parametrize("kind", LIES)
def test_a_body_that_is_not_as_long_as_it_says_does_nothing(wire: Wire, tenant: Tenant, kind: str) -> None:
    """A cut body must not be taken for a whole one, nor its rest for the next request."""
    body, header, status = LIES[kind]
    reply = wire.send(_post(tenant, header, body=body), end=True)
    assert reply.statuses == [status], reply.raw[:500]


def test_a_cut_body_of_a_route_without_fields_does_nothing(house: House, wire: Wire, tenant: Tenant) -> None:
    """Cancelling takes no body, and so nothing of a broken one may be taken for it."""
    invoice_id = house.invoice(tenant)
    key = f"x-api-key: {tenant.api_key}"
    for header, body in (("Content-Length: 300", b"{}"), ("Transfer-Encoding: chunked", b"zz\r\n")):
        cut = request("POST", f"/api/invoice/{invoice_id}/cancel", key, header, body=body)
        assert wire.send(cut, end=True).status == 400
    assert house.send("GET", f"/api/invoice/{invoice_id}", tenant.headers).json["status"] == "pending"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "GZIP", "x-unknown"])
def test_a_packed_body_is_not_unpacked(wire: Wire, tenant: Tenant, encoding: str) -> None:
    bomb = gzip.compress(b'{"a":"' + b"x" * 10_000_000 + b'"}')
    reply = wire.send(_with_length(tenant, bomb, f"Content-Encoding: {encoding}"))
    assert reply.status == 415 and b"unsupported_media_type" in reply.raw


def test_identity_is_no_encoding(wire: Wire, tenant: Tenant) -> None:
    assert wire.send(_with_length(tenant, b"{}", "Content-Encoding: identity")).status == 422


ELSEWHERE = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"


@pytest.mark.parametrize("more", [b"", b" "], ids=["silent", "a byte now and then"])
def test_clients_whose_bodies_never_end_leave_the_server_to_others(
    house: House, tenant: Tenant, more: bytes
) -> None:
    """Twenty of them, with a good key: as many as would hold every thread five times over."""
    wire, stop = Wire(house), threading.Event()
    late = [wire.connect(ELSEWHERE) for _ in range(20)]

    def drip() -> None:
        while more and not stop.wait(0.1):
            for sock in late:
                with suppress(OSError):
                    sock.sendall(more)

    dripping = threading.Thread(target=drip, daemon=True)
    try:
        for sock in late:
            sock.sendall(_post(tenant, "Content-Length: 3000", body=b'{"amount":'))
        dripping.start()
        began = time.monotonic()
        for _ in range(3):
            assert house.send("GET", "/healthz").status == 200
            assert house.send("GET", "/api/invoice", tenant.headers).status == 200
        refused = [sock.recv(12) for sock in late[:5]]
        assert time.monotonic() - began < 20
        assert set(refused) <= {b"HTTP/1.1 408", b"HTTP/1.1 400", b""}, (
            "late, cut off with others, or hung up on"
        )
    finally:
        stop.set()
        for sock in late:
            sock.close()


def test_a_client_that_stays_after_its_body_was_given_up_stops_nobody(house: House, tenant: Tenant) -> None:
    """The server once stood still, for everybody, until that client had gone: its connection is ended instead."""
    late = [Wire(house, 30).connect(ELSEWHERE) for _ in range(3)]
    try:
        for sock in late:
            sock.sendall(_post(tenant, "Content-Length: 300", body=b"{"))
        answers = [read_all(sock) for sock in late]  # to the end: the server has closed them
        statuses = {answer[:12] for answer in answers}
        assert b"HTTP/1.1 408" in statuses <= {b"HTTP/1.1 408", b"HTTP/1.1 400"}, (
            "late, or cut off with another"
        )
        assert house.send("GET", "/api/invoice", tenant.headers).status == 200
    finally:
        for sock in late:
            sock.close()


def test_headers_that_come_a_byte_at_a_time_hold_no_thread(house: House) -> None:
    wire, stop = Wire(house), threading.Event()
    slow = [wire.connect() for _ in range(40)]
    try:
        for sock in slow:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        for _ in range(3):
            for sock in slow:
                sock.sendall(b"a")
            stop.wait(0.05)
        began = time.monotonic()
        assert house.send("GET", "/healthz").status == 200
        assert time.monotonic() - began < 5
    finally:
        for sock in slow:
            sock.close()


def test_headers_are_bounded(wire: Wire) -> None:
    assert wire.send(request("GET", "/healthz", "X-Long: " + "a" * 200_000)).status == 431
    assert wire.send(request("GET", "/healthz", *(f"X-{each}: a" for each in range(5_000)))).status == 431
    assert wire.send(request("GET", "/healthz?" + "a" * 200_000)).status in (414, 431)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        bytes.fromhex("16030100a50100"),
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A: a\x00b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A : a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX-A: a\n b\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_no_answer_of_the_application(wire: Wire, data: bytes) -> None:
    assert wire.send(data, end=True).status in (0, 400)


def test_older_clients_and_several_requests_at_once_are_answered(wire: Wire) -> None:
    assert wire.send(b"GET /healthz HTTP/1.0\r\n\r\n").status == 200
    once = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert wire.send(once * 5 + request("GET", "/healthz")).raw.count(b"HTTP/1.1 200 OK") == 6
