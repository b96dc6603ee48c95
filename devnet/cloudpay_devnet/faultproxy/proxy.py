"""The proxy itself: forwards JSON-RPC to a node, through the faults that are on."""

import json
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import requests

from cloudpay_devnet.faultproxy.server import handler
from cloudpay_devnet.faultproxy.switches import Board, Switch
from cloudpay_devnet.faultproxy.values import Answered, Ask, Fault, JsonAnswer, JsonCall, Raw, error, result

_UPSTREAM_SECONDS = 30


def _forward(_asked: object) -> None:
    """Leave it to the real node."""


class FaultProxy:
    """Forwards JSON-RPC, single calls and batches, to `upstream`, except where it is told otherwise.

    `switch_on` turns named faults on while it runs, `switch_off` turns them off; `POST /__faults__` does both from
    outside. A test's own function may stand in front of them: `on_call` sees every call, those of a batch one by one,
    and answers None to forward it; `on_request` sees whole requests. With `down` every connection is cut. `calls`
    holds what was asked, in order.
    """

    def __init__(self, upstream: str = "", *, port: int = 0) -> None:
        self.upstream = upstream
        self.calls: list[JsonCall] = []
        self.down = False
        self.on_call: Callable[[JsonCall], Answered | None] = _forward
        self.on_request: Callable[[bytes], Raw | None] = _forward
        self._board = Board()
        self._session = requests.Session()
        self._session.trust_env = False
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def switches(self) -> Sequence[Switch]:
        """The faults that are on."""
        return self._board.switches

    def switch_on(self, fault: Fault, *, methods: Collection[str] = (), times: int | None = None) -> Switch:
        """Turn a fault on: for all methods or some, for good or for a number of calls."""
        return self._board.add(fault, methods, times)

    def switch_off(self, which: Switch | str | None = None) -> None:
        """Turn off a switch, or all faults of a name, or everything."""
        self._board.remove(which)

    @contextmanager
    def faulty(self, fault: Fault, *, methods: Collection[str] = ()) -> Iterator[Switch]:
        """Have a fault for a while."""
        switch = self.switch_on(fault, methods=methods)
        try:
            yield switch
        finally:
            self.switch_off(switch)

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
        calls: list[JsonCall] = asked if isinstance(asked, list) else [asked]
        self.calls += calls
        raw = self.on_request(body)
        if raw is not None:
            return raw
        switches = self.switches
        for switch in reversed(switches):
            raw = switch.request(calls)
            if raw is not None:
                return raw
        ask: Ask = self._upstream
        for switch in switches:
            ask = switch.around(ask)
        try:
            answers = [self._one(call, ask) for call in calls]
        except requests.RequestException as failure:
            return Raw(502, f"the node behind does not answer: {type(failure).__name__}".encode())
        raw = Raw(body=json.dumps(answers if isinstance(asked, list) else answers[0]).encode())
        for switch in switches:
            raw = switch.response(calls, raw)
        return raw

    def _one(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        told = self.on_call(call)
        if told is None:
            return ask(call)
        if told.error:
            return {**error(call, 0, ""), "error": told.error}
        return result(call, told.result)

    def _upstream(self, call: JsonCall) -> JsonAnswer:
        answer: dict[str, Any] = self._session.post(
            self.upstream, json=call, timeout=_UPSTREAM_SECONDS
        ).json()
        return answer
