"""One node over HTTP: a kept-alive connection, batches, and every way of answering badly turned into `NodeFault`."""

import itertools
import json
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from cloudpay.chains.nodes.faults import AskedTooOften, RequestTooLarge
from cloudpay.chains.nodes.http import HttpNode
from cloudpay_evm.batches import BatchSizes
from cloudpay_evm.calls import Answer, Call, Envelope
from cloudpay_evm.errors import NodeFault, Refused

_ONE = msgspec.json.Decoder(Envelope)
_MANY = msgspec.json.Decoder(list[Envelope])


class Node(HttpNode):
    """Asks one node; `calls` counts what batches hold."""

    def __init__(self, url: str, name: str, *, timeout: float, batch_size: int) -> None:
        super().__init__(url, name, timeout=timeout, headers={"User-Agent": "cloudpay-evm"})
        self._url, self._batches = url, BatchSizes(batch_size)
        self._ids = itertools.count(1)

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
            batch = self._batches.first_of(calls[len(answers) :])
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
            batch = self._batches.first_of(calls[len(answers) :])
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

    def share(self, limit: int, kinds: Sequence[str]) -> int:
        """Answer how many of `limit` to ask for, where this node has come to answer fewer calls of `kinds` at once."""
        return self._batches.share(limit, kinds)

    def _some(self, calls: Sequence[Call[Answer]]) -> list[tuple[Call[Answer], Envelope]]:
        """Ask in one request; fewer are answered, or none, where the node takes no such batch.

        Whatever goes wrong with a batch, fewer such calls are asked at once from now on: a node that needs too long for
        many answers each one in time, and would else never be read again by who fell behind.
        """
        if len(calls) == 1:
            return [(calls[0], self._single(calls[0]))]
        began = time.monotonic()
        try:
            told = self._batch(calls)
        except RequestTooLarge:
            told = []
        except AskedTooOften:
            raise
        except NodeFault:
            self._batches.failed(calls)
            raise
        if len(told) < len(calls):
            self._batches.failed(calls)
        else:
            self._batches.worked(calls, easily=time.monotonic() - began < self._timeout / 2)
        return list(zip(calls, told, strict=False))

    def _single(self, call: Call[Answer]) -> Envelope:
        number = next(self._ids)
        envelope = self._hiding(_read(_ONE, self._post(_request(number, call), 1)))
        if envelope.error is None and envelope.id != number:
            raise NodeFault("it answered another call than the one asked")
        return envelope

    def _batch(self, calls: Sequence[Call[Answer]]) -> list[Envelope]:
        """Ask in one request; answer as many, from the first on, as are answered: none where a batch is refused."""
        numbers = [next(self._ids) for _ in calls]
        body = self._post(
            [_request(number, call) for number, call in zip(numbers, calls, strict=True)], len(calls)
        )
        is_one = body.lstrip()[:1] == b"{"
        told = [self._hiding(each) for each in ([_read(_ONE, body)] if is_one else _read(_MANY, body))]
        if is_one or (
            len(told) == 1 and told[0].error is not None
        ):  # geth refuses in a list, as the first call
            told[0].refusal("a batch")
            return []
        by_number = {envelope.id: envelope for envelope in told}
        if set(by_number) != set(numbers):
            raise NodeFault("it answered other calls of a batch than were asked, or not all of them")
        in_order = (by_number[number] for number in numbers)
        return list(itertools.takewhile(lambda envelope: not envelope.is_cut_off, in_order))

    def _hiding(self, envelope: Envelope) -> Envelope:
        """Cover the address's secrets in the node's words, before any of them is cut, shown or kept."""
        if envelope.error is not None:
            envelope.error.message = self.veil.over(envelope.error.message)
        return envelope

    def _post(self, body: Any, calls: int) -> bytes:
        return self.post(self._url, json.dumps(body), calls)


def _settled(call: Call[Answer], envelope: Envelope) -> Answer | Refused:
    """Read what an answer says; raises `NodeFault` when it says that the node is overloaded, or has no sense."""
    return envelope.refusal(call.method) or call.read(envelope.result)


def _request(number: int, call: Call[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": call.method, "params": call.params}


def _read(decoder: msgspec.json.Decoder[Answer], body: bytes) -> Answer:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NodeFault(f"it answered with something else than JSON-RPC ({error})") from error
