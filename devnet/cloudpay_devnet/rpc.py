"""A small JSON-RPC client for a node on this machine: typed answers, and errors that name the method."""

import itertools
from collections.abc import Mapping

import requests

from cloudpay_devnet.errors import NodeUnreachable, RpcFailed


class JsonRpc:
    """Calls one node over HTTP. Nothing is retried: a local node answers or is down."""

    def __init__(self, url: str, timeout: float = 15.0) -> None:
        self.url = url
        self._timeout = timeout
        self._ids = itertools.count(1)
        self._session = requests.Session()
        # Neither a proxy nor .netrc of the surroundings may come between us and a node on loopback.
        self._session.trust_env = False

    def call(self, method: str, *params: object) -> object:
        """The `result` of one call; raises RpcFailed or NodeUnreachable."""
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            answer = self._session.post(self.url, json=body, timeout=self._timeout).json()
        except requests.RequestException as error:
            raise NodeUnreachable(self.url, str(error)) from error
        if "error" in answer:
            raise RpcFailed(method, answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def text(self, method: str, *params: object) -> str:
        """A call that answers with a string, such as a hash."""
        result = self.call(method, *params)
        if not isinstance(result, str):
            raise RpcFailed(method, 0, f"expected a string, got {result!r}")
        return result

    def number(self, method: str, *params: object) -> int:
        """A call that answers with a hexadecimal quantity."""
        return int(self.text(method, *params), 16)

    def record(self, method: str, *params: object) -> Mapping[str, object] | None:
        """A call that answers with an object, or with null for what it does not know."""
        result = self.call(method, *params)
        if result is not None and not isinstance(result, dict):
            raise RpcFailed(method, 0, f"expected an object, got {result!r}")
        return result

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()
