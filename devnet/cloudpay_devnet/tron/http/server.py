"""The server: a thread for each connection, one request at a time on the chain."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cloudpay_devnet.tron.chain import Chain
from cloudpay_devnet.tron.control import Control
from cloudpay_devnet.tron.errors import BadInputError, RefusedError
from cloudpay_devnet.tron.faults import Fault, Faults
from cloudpay_devnet.tron.http import misbehaving
from cloudpay_devnet.tron.http.misbehaving import Answer
from cloudpay_devnet.tron.http.request import Request, is_visible
from cloudpay_devnet.tron.http.routes import is_solid, route_of
from cloudpay_devnet.tron.mining import Miner

_BROADCASTS = ("broadcasttransaction", "broadcasthex")
_MOST_BYTES = 4 * 1024 * 1024
_TIMEOUT_SECONDS = 30.0


class Server(ThreadingHTTPServer):
    """The node on a loopback port; port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, chain: Chain, miner: Miner, faults: Faults) -> None:
        self.chain, self.miner, self.faults = chain, miner, faults
        self.control = Control(chain, miner, faults)
        super().__init__(("127.0.0.1", port), _Handler)

    def answer(self, path: str, given: dict[str, Any]) -> Answer:
        """The answer to one request, faults and all."""
        met = misbehaving.before(self.faults, path)
        if isinstance(met, Answer):
            return met
        if isinstance(met, Fault):
            time.sleep(float(met.values.get("seconds", _TIMEOUT_SECONDS)))
        route = route_of(path)
        if route is None:
            return Answer(404, b"<html><body><h2>HTTP ERROR 404 Not Found</h2></body></html>", "text/html")
        instead = misbehaving.instead_of_broadcast(self.faults, path, given)
        if instead is not None:
            return misbehaving.after(self.faults, path, instead)
        with self.chain.lock:
            try:
                found = route(Request(self.chain, self._top(path), given))
            except RefusedError as refused:
                found = {"Error": refused.thrown}
            except Exception as error:  # noqa: BLE001 - as the node does: whatever went wrong is told, with status 200
                found = {"Error": f"class {type(error).__name__} : {error}"}
            if path.endswith(_BROADCASTS) and isinstance(found, dict) and found.get("result"):
                self.miner.after_broadcast()
        return misbehaving.after(self.faults, path, found, visible=is_visible(given))

    def _top(self, path: str) -> int:
        top = self.chain.solid if is_solid(path) else self.chain.head.number
        stale = self.faults.take(path, "stale")
        return top if stale is None else max(0, top - int(stale.values.get("blocks", 5)))

    def command(self, name: str, given: dict[str, Any]) -> Answer:
        """The answer to `/control/<name>`."""
        command = self.control.commands.get(name)
        if command is None:
            return _told(404, f"There is no command {name!r}; there are {', '.join(self.control.commands)}")
        try:
            return Answer(200, json.dumps(command(given)).encode())
        except (KeyError, TypeError, ValueError) as error:
            return _told(400, f"{type(error).__name__}: {error}")


def _told(status: int, sentence: str) -> Answer:
    return Answer(status, json.dumps({"error": sentence}).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """A request with its values in the query."""
        self._handle(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        """A request with its values as JSON."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > _MOST_BYTES:
            self._write(Answer(413, b"body size is too big", "text/plain"))
            return
        body = self.rfile.read(length)
        try:
            given = json.loads(body) if body.strip() else {}
            if not isinstance(given, dict):
                raise BadInputError("syntax error, expect {")
        except (ValueError, BadInputError) as error:
            thrown = f"class com.alibaba.fastjson.JSONException : {error}"
            self._write(Answer(200, json.dumps({"Error": thrown}).encode()))
            return
        self._handle(given)

    def _handle(self, given: dict[str, Any]) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        if path.startswith("/control/"):
            self._write(self.server.command(path.removeprefix("/control/"), given))
        else:
            self._write(self.server.answer(path, given))

    def _write(self, answer: Answer) -> None:
        if answer.status is None:
            self.close_connection = True
            return
        try:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
        except ConnectionError:
            self.close_connection = True  # the client did not wait, which is its right

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Nothing: a line for each request would bury what matters."""
