"""One node over HTTP: a kept-alive connection, batches, and every way of answering badly turned into `NodeFault`."""

import itertools
import json
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import requests
import urllib3
from requests.utils import get_environ_proxies

from cloudpay.kernel.db import refuse_inside_transaction
from cloudpay_evm.calls import Answer, Call, Envelope
from cloudpay_evm.deadline import Deadline, InTime
from cloudpay_evm.errors import NodeFault, Refused

_MAX_BYTES = 256 * 1024 * 1024  # far above any block with its traces
_PIECE = 65_536
_LIMITED = (requests.codes.too_many_requests, requests.codes.service_unavailable)
_ONE = msgspec.json.Decoder(Envelope)
_MANY = msgspec.json.Decoder(list[Envelope])


class _Session(requests.Session):
    """Looks at no redirect: even where none is followed, the library would take it apart, and read its whole body."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Answer that there is none."""
        return None


class Node:
    """Asks one node. `name` is without the path, which may hold an API key; `calls` counts what batches hold."""

    def __init__(self, url: str, name: str, *, timeout: float, batch_size: int) -> None:
        self.name = name
        self.calls = 0
        self.latency: float | None = None
        """Seconds that a request takes, as a running mean."""
        self._url, self._timeout, self._batch_size = url, timeout, batch_size
        self._ids = itertools.count(1)
        self._deadline = Deadline()
        self._session = _Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, InTime(self._deadline))
        self._session.proxies = get_environ_proxies(url)
        self._session.trust_env = (
            False  # read once, above: a look at environment and .netrc per call costs more than the call
        )
        self._session.headers.update({"Content-Type": "application/json", "User-Agent": "cloudpay-evm"})

    def ask(self, call: Call[Answer]) -> Answer:
        """Answer one call; raises `NodeFault`, or `Refused` for the node's own error."""
        return self.ask_all([call])[0]

    def ask_all(self, calls: Sequence[Call[Answer]]) -> list[Answer]:
        """Answer calls in few requests; raises `NodeFault`, or `Refused` for the first that the node refuses."""
        answers: list[Answer] = []
        for answer in self.try_all(calls):
            if isinstance(answer, Refused):
                raise answer
            answers.append(answer)
        return answers

    def try_all(self, calls: Sequence[Call[Answer]]) -> list[Answer | Refused]:
        """Answer calls in few requests, each with its result or its refusal; raises `NodeFault`."""
        answers: list[Answer | Refused] = []
        while len(answers) < len(calls):
            batch = calls[len(answers) : len(answers) + self._batch_size]
            for call, envelope in self._some(batch):
                settled = _settled(call, envelope)
                answers.append(settled)
        return answers

    def try_each(self, calls: Sequence[Call[Answer]]) -> list[Answer | Refused | NodeFault]:
        """Answer calls in few requests, each with its result, its refusal or its fault; raises nothing.

        A request that fails leaves its own calls unanswered, and none of the others.
        """
        answers: list[Answer | Refused | NodeFault] = []
        while len(answers) < len(calls):
            batch = calls[len(answers) : len(answers) + self._batch_size]
            try:
                told = self._some(batch)
            except NodeFault as fault:
                answers += [fault] * len(batch)
                continue
            for call, envelope in told:
                try:
                    settled = _settled(call, envelope)
                    answers.append(settled)
                except NodeFault as fault:
                    answers.append(fault)
        return answers

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _some(self, calls: Sequence[Call[Answer]]) -> list[tuple[Call[Answer], Envelope]]:
        """Ask in one request; fewer are answered, or none, where the node takes no such batch."""
        told = self._batch(calls) if len(calls) > 1 else [self._single(calls[0])]
        return list(zip(calls, told, strict=False))

    def _single(self, call: Call[Answer]) -> Envelope:
        number = next(self._ids)
        envelope = _read(_ONE, self._post(_request(number, call), 1))
        if envelope.error is None and envelope.id != number:
            raise NodeFault("it answered another call than the one asked")
        return envelope

    def _batch(self, calls: Sequence[Call[Answer]]) -> list[Envelope]:
        """Ask in one request; a node that refuses the batch as such is asked in smaller ones from now on."""
        numbers = [next(self._ids) for _ in calls]
        body = self._post(
            [_request(number, call) for number, call in zip(numbers, calls, strict=True)], len(calls)
        )
        if body.lstrip()[:1] == b"{":
            _read(_ONE, body).refusal("a batch")
            self._batch_size = max(1, len(calls) // 2)
            return []
        by_number = {envelope.id: envelope for envelope in _read(_MANY, body)}
        if set(by_number) != set(numbers):
            raise NodeFault("it answered other calls of a batch than were asked, or not all of them")
        return [by_number[number] for number in numbers]

    def _post(self, body: Any, calls: int) -> bytes:
        """Send one request: the only place where the plugin reaches out."""
        refuse_inside_transaction("RPC")
        self.calls += calls
        began = time.monotonic()
        self._deadline.begin(self._timeout)
        # The causes are cut off: their texts quote the address, and with it perhaps an API key.
        try:
            with self._session.post(
                self._url, data=json.dumps(body), timeout=self._timeout, stream=True, allow_redirects=False
            ) as response:
                content = _content(response)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            raise NodeFault(f"it did not answer within {self._timeout:g} s") from None
        except (requests.ConnectionError, urllib3.exceptions.HTTPError):
            raise NodeFault("it cannot be reached, or broke off") from None
        except (requests.RequestException, OSError) as error:
            raise NodeFault(f"the request failed ({type(error).__name__})") from None
        self._took(time.monotonic() - began)
        if response.status_code in _LIMITED:
            raise NodeFault(f"HTTP {response.status_code}", _retry_after(response.headers.get("Retry-After")))
        if response.status_code != requests.codes.ok and content.lstrip()[:1] not in (b"{", b"["):
            raise NodeFault(f"HTTP {response.status_code}")
        return content

    def _took(self, seconds: float) -> None:
        self.latency = seconds if self.latency is None else self.latency + (seconds - self.latency) / 8


def _settled(call: Call[Answer], envelope: Envelope) -> Answer | Refused:
    """Read what an answer says; raises `NodeFault` when it says that the node is overloaded, or has no sense."""
    return envelope.refusal(call.method) or call.read(envelope.result)


def _request(number: int, call: Call[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.params}


def _content(response: requests.Response) -> bytes:
    """Read an answer piece by piece, so that an endless one does not fill the memory."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.raw.read1(_PIECE, decode_content=True):
        pieces.append(piece)
        size += len(piece)
        if size > _MAX_BYTES:
            raise NodeFault(f"its answer is longer than {_MAX_BYTES} bytes")
    return b"".join(pieces)


def _read(decoder: msgspec.json.Decoder[Answer], body: bytes) -> Answer:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NodeFault(f"it answered with something else than JSON-RPC ({error})") from error


def _retry_after(header: str | None) -> float | None:
    """Read Retry-After: seconds, or a date (RFC 9110, 10.2.3); what is neither is as good as none."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (ValueError, OverflowError):  # the parser takes any number for a year or a zone
        return None
