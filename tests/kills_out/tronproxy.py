"""A proxy before a TRON node, which fails as nodes of the world do that are handed transactions."""

import hashlib
import json
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import requests

from cloudpay_tron.protocol import tron_pb2 as tron

HAND_OVER = "/wallet/broadcasthex"
_UPSTREAM_SECONDS = 30


@dataclass(frozen=True)
class Raw:
    """What goes over the wire; no status is a connection that is closed without a word."""

    status: int | None
    body: bytes = b""


Forward = Callable[[], Raw]
Fault = Callable[[bytes, Forward], Raw]
"""Answers a request, which it may forward to the node."""


def lost_answer(_body: bytes, forward: Forward) -> Raw:
    """Have the node do what it was asked for, and keep what it answered."""
    forward()
    return Raw(504, b"Gateway Timeout")


def closed(_body: bytes, _forward: Forward) -> Raw:
    """Close the connection."""
    return Raw(None)


def swallowed(body: bytes, _forward: Forward) -> Raw:
    """Say that a transaction is taken, and forget it."""
    return _answer(body, "SUCCESS")


def told(status: int, text: str) -> Fault:
    """Answer with a status and a text."""
    return lambda _body, _forward: Raw(status, text.encode())


def refused(code: str, *, taken: bool = False) -> Fault:
    """Refuse a transaction with a code, though the node has it where it is `taken`."""

    def answer(body: bytes, forward: Forward) -> Raw:
        if taken:
            forward()
        return _answer(body, code)

    return answer


def _answer(body: bytes, code: str) -> Raw:
    raw = tron.Transaction.FromString(bytes.fromhex(json.loads(body)["transaction"])).raw_data
    tx_id = hashlib.sha256(raw.SerializeToString()).hexdigest()
    answer = {"result": code == "SUCCESS", "code": code, "message": "", "txid": tx_id}
    return Raw(200, json.dumps(answer).encode())


@dataclass
class _Switch:
    fault: Fault
    paths: Collection[str]
    times: int | None


class TronProxy:
    """Forwards what is posted to `upstream`, through the fault that was switched on first and fits."""

    def __init__(self, upstream: str = "") -> None:
        self.upstream = upstream
        self._switches: list[_Switch] = []
        self._lock = threading.Lock()
        self._local = threading.local()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def switch_on(self, fault: Fault, *, methods: Collection[str] = (), times: int | None = None) -> None:
        """Have a fault for some paths or all, for so many calls."""
        with self._lock:
            self._switches.append(_Switch(fault, methods, times))

    def switch_off(self) -> None:
        """Answer truly."""
        with self._lock:
            self._switches.clear()

    def answer(self, path: str, body: bytes) -> Raw:
        """What one request gets."""

        def forward() -> Raw:
            try:
                found = self._session.post(f"{self.upstream}{path}", data=body, timeout=_UPSTREAM_SECONDS)
            except requests.RequestException as failure:
                return Raw(502, f"the node behind does not answer: {type(failure).__name__}".encode())
            return Raw(found.status_code, found.content)

        fault = self._take(path)
        return forward() if fault is None else fault(body, forward)

    def _take(self, path: str) -> Fault | None:
        with self._lock:
            for each in self._switches:
                if not each.paths or path in each.paths:
                    if each.times is not None:
                        each.times -= 1
                        if each.times <= 0:
                            self._switches.remove(each)
                    return each.fault
        return None

    @property
    def _session(self) -> requests.Session:
        """One for each thread, as a connection serves one request at a time."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        return session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    proxy: TronProxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        raw = self.server.proxy.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        if raw.status is None:
            self.close_connection = True
            return
        self.send_response(raw.status)
        self.send_header("Content-Length", str(len(raw.body)))
        self.end_headers()
        self.wfile.write(raw.body)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # who asked was killed
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """The run says what is wrong itself."""
