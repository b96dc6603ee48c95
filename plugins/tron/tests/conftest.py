"""A node that answers from a script, and the answers of a block."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cloudpay_tron.node import Node

Script = dict[str, Any]


class ScriptedNode(Node):
    """Answers each path with what the script has for it: data, text, an exception, or a function of the request."""

    def __init__(self, script: Mapping[str, Any]) -> None:
        super().__init__("http://node.test/", "node.test", timeout=1, key=None)
        self.script = script
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def post(self, url: str, body: str, calls: int) -> bytes:
        """Answer without a network."""
        path = url.removeprefix("http://node.test/")
        given = json.loads(body)
        self.asked.append((path, given))
        answer = self.script[path]
        if isinstance(answer, Callable):  # type: ignore[arg-type]  # a protocol of typing is a class to isinstance
            answer = answer(given)
        if isinstance(answer, Exception):
            raise answer
        return answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()


@pytest.fixture
def scripted() -> type[ScriptedNode]:
    """The class, since tests are no package to import from."""
    return ScriptedNode


def block_id(height: int, branch: str = "a") -> str:
    """An id whose first half is the block's number."""
    return f"{height:016x}" + branch * 48


def header(height: int, branch: str = "a", parent: str = "a") -> dict[str, Any]:
    """A block without transactions."""
    data = {
        "number": height,
        "timestamp": 1_000_000 + height * 3_000,
        "parentHash": block_id(height - 1, parent),
    }
    return {"blockID": block_id(height, branch), "block_header": {"raw_data": data}}


@pytest.fixture
def headers() -> Callable[..., dict[str, Any]]:
    """What makes headers."""
    return header


@pytest.fixture
def ids() -> Callable[..., str]:
    """What makes ids of blocks."""
    return block_id
