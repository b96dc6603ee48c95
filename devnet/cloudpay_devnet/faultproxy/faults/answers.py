"""Answers that are none: the node, or what stands before it, does not get as far as JSON-RPC."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cloudpay_devnet.faultproxy.values import HANG_UP, Fault, JsonCall, Raw

_HTML = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"


@dataclass
class TooManyRequests(Fault):
    """HTTP 429, as every host of nodes answers beyond its plan; `retry_after` seconds are named unless 0."""

    name: ClassVar[str] = "http_429"
    retry_after: int = 0

    def request(self, calls: Sequence[JsonCall]) -> Raw | None:
        """Refuse the request."""
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        return Raw(429, b'{"message": "Too Many Requests"}', headers)


@dataclass
class ServiceUnavailable(Fault):
    """HTTP 503 with a page of HTML, as balancers answer while the nodes behind them restart."""

    name: ClassVar[str] = "http_503"
    retry_after: int = 0

    def request(self, calls: Sequence[JsonCall]) -> Raw | None:
        """Refuse the request."""
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        return Raw(503, b"<h1>503 Service Temporarily Unavailable</h1>", headers)


@dataclass
class HtmlPage(Fault):
    """A page of HTML with status 200, as Cloudflare's challenge before public nodes, or a captive portal."""

    name: ClassVar[str] = "html_200"

    def request(self, calls: Sequence[JsonCall]) -> Raw | None:
        """Show a page."""
        return Raw(200, _HTML, {"Content-Type": "text/html"})


@dataclass
class CutJson(Fault):
    """A true answer of which the end is missing, as proxies with a size limit cut it.

    With `told` the length in the header is still that of the whole: the connection broke off midway.
    """

    name: ClassVar[str] = "cut_json"
    told: bool = False

    def response(self, raw: Raw) -> Raw:
        """Cut the answer in half."""
        headers = {**raw.headers, "Content-Length": str(len(raw.body))} if self.told else raw.headers
        return Raw(raw.status, raw.body[: len(raw.body) // 2], headers)


@dataclass
class ClosedConnections(Fault):
    """Connections that end without an answer, as when a node is restarted or out of memory."""

    name: ClassVar[str] = "closed"

    def request(self, calls: Sequence[JsonCall]) -> Raw | None:
        """Hang up."""
        return HANG_UP


@dataclass
class Latency(Fault):
    """True answers that come late, as from another continent or a node whose disk is too slow."""

    name: ClassVar[str] = "latency"
    seconds: float = 1.0

    def request(self, calls: Sequence[JsonCall]) -> Raw | None:
        """Wait, then go on."""
        threading.Event().wait(self.seconds)
        return None


@dataclass
class RateLimited(Fault):
    """The limit told as a JSON-RPC error with status 200, as Alchemy and QuickNode tell it inside batches."""

    name: ClassVar[str] = "rpc_429"

    def request(self, calls: Sequence[JsonCall]) -> Raw | None:
        """Refuse the request as such."""
        return Raw(
            200,
            b'{"jsonrpc": "2.0", "id": null, "error": {"code": 429, "message": "Your app has exceeded its compute '
            b'units per second capacity."}}',
        )
