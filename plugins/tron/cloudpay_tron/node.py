"""One node over HTTP: paths below the address of the settings, each a POST."""

import json
from collections.abc import Sequence
from urllib.parse import urlsplit

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.nodes.http import HttpNode
from cloudpay.chains.types import BlockRef, Header
from cloudpay_tron import calls
from cloudpay_tron.calls import Answer, Call, own_error
from cloudpay_tron.errors import Refused
from cloudpay_tron.wire import Block

_ID_DIGITS = 64
_NUMBER_DIGITS = 16  # a block's id begins with its number, 8 bytes (java-tron, `BlockCapsule.BlockId`)


class Node(HttpNode):
    """Asks one node. A path in its address is kept, with a slash at its end or without, and so is a query."""

    def __init__(self, url: str, name: str, *, timeout: float, key: tuple[str, str] | None) -> None:
        headers = {"User-Agent": "cloudpay-tron", **({key[0]: key[1]} if key else {})}
        super().__init__(url, name, timeout=timeout, headers=headers, secrets=(key or ())[1:])
        self._parts = urlsplit(url)._replace(fragment="")

    def ask(self, call: Call[Answer]) -> Answer:
        """Answer one call; raises `NodeFault`, or `Refused` for the node's own error."""
        path = f"{self._parts.path.rstrip('/')}/{call.path}"
        return call.read(self.post(self._parts._replace(path=path).geturl(), json.dumps(call.parameters), 1))

    def reads_as_error(self, content: bytes) -> bool:
        """Say whether an answer with an error status holds java-tron's own `Error`; any other JSON is a proxy's."""
        return own_error(content) is not None

    def try_all(self, several: Sequence[Call[Answer]]) -> list[Answer | Refused]:
        """Answer calls one by one, each with its result or its refusal; raises `NodeFault`."""
        answers: list[Answer | Refused] = []
        for call in several:
            try:
                answers.append(self.ask(call))
            except Refused as refusal:
                answers.append(refusal)
        return answers

    def header(self, at: int | None = None, *, solid: bool = False) -> Header | None:
        """Answer the header at a height, or the newest; None where the node has no such block."""
        found = self.ask(calls.header(at, solid=solid))
        return header_of(found) if found.block_id else None

    def required(self, at: int | None = None, *, solid: bool = False) -> Header:
        """Answer a header; raises `NodeFault` where the node does not have it."""
        found = self.header(at, solid=solid)
        if found is None:
            raise NodeFault(f"it has no block {'to tell' if at is None else at}")
        return found

    def solid(self) -> BlockRef:
        """Answer the newest final block."""
        return self.required(solid=True).ref


def header_of(block: Block) -> Header:
    """Read a header; raises `NodeFault` when its id is not of its number."""
    told = block.block_header.raw_data
    if len(block.block_id) != _ID_DIGITS or block.block_id[:_NUMBER_DIGITS] != f"{told.number:016x}":
        raise NodeFault(f"its block {told.number} has an id that is of another")
    return Header(told.number, block.block_id, told.parent_hash, told.timestamp // 1000)
