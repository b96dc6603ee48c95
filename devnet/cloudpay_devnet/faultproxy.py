"""A node that lies: stands in front of a real one and answers as a test says, for what local nodes never do.

Anvil has no limits, never lags, never forgets logs and never cuts an answer off; the nodes of the world do.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import requests

JsonCall = Mapping[str, Any]


@dataclass(frozen=True)
class Answered:
    """An error or a result that is given instead of the real node's."""

    result: Any = None
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Raw:
    """A whole HTTP answer that is given instead of the real node's."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def _forward(_asked: object) -> None:
    """Leave it to the real node."""


class FaultProxy:
    """Forwards JSON-RPC, single calls and batches, to `upstream`, except where it is told otherwise.

    `on_call` sees every call, those of a batch one by one, and answers None to forward it; `on_request` sees whole
    requests. With `down` every connection is cut. `calls` holds what was asked, in order.
    """

    def __init__(self, upstream: str = "") -> None:
        self.upstream = upstream
        self.calls: list[JsonCall] = []
        self.down = False
        self.on_call: Callable[[JsonCall], Answered | None] = _forward
        self.on_request: Callable[[bytes], Raw | None] = _forward
        self._session = requests.Session()
        self._session.trust_env = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def methods(self) -> list[str]:
        """The methods that were asked for, in order."""
        return [call["method"] for call in self.calls]

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, body: bytes) -> Raw:
        """What one request gets."""
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        self.calls += calls
        raw = self.on_request(body)
        if raw is not None:
            return raw
        answers = [self._one(call) for call in calls]
        return Raw(body=json.dumps(answers if isinstance(asked, list) else answers[0]).encode())

    def _one(self, call: JsonCall) -> Any:
        told = self.on_call(call)
        if told is None:
            return self._session.post(self.upstream, json=call, timeout=15).json()
        head = {"jsonrpc": "2.0", "id": call["id"]}
        return {**head, "error": told.error} if told.error else {**head, "result": told.result}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = (
                -1
            )  # one write for head and body, or each answer would wait for a delayed acknowledgement
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if proxy.down:
                    self.close_connection = True
                    return
                raw = proxy.answer(body)
                self.send_response(raw.status)
                headers = {"Content-Length": str(len(raw.body)), **raw.headers}
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(raw.body)
                if int(headers["Content-Length"]) != len(raw.body):
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                """Say nothing on standard error."""

        return Handler
