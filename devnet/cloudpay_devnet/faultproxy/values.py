"""What passes through the proxy, and what a fault is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

JsonCall = Mapping[str, Any]
JsonAnswer = Mapping[str, Any]
Ask = Callable[[JsonCall], JsonAnswer]
"""Asks what lies behind: the next fault, and at last the real node."""


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


HANG_UP = Raw(status=0)
"""No answer at all: the connection is closed."""


class Fault:
    """One way in which real nodes fail. What is not overridden leaves everything as it is.

    Its dataclass fields, each with a default, are its options; what it remembers while it is on is no field.
    """

    name: ClassVar[str]

    def request(self, calls: Sequence[JsonCall]) -> Raw | None:
        """Answer a whole HTTP request, or None to go on."""
        return None

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Answer one call, those of a batch one by one; `ask` asks what lies behind."""
        return ask(call)

    def response(self, raw: Raw) -> Raw:
        """Change the whole HTTP answer."""
        return raw


def result(call: JsonCall, value: Any) -> JsonAnswer:
    """Answer a call with a result."""
    return {"jsonrpc": "2.0", "id": call.get("id"), "result": value}


def error(call: JsonCall, code: int, message: str) -> JsonAnswer:
    """Answer a call with an error."""
    return {"jsonrpc": "2.0", "id": call.get("id"), "error": {"code": code, "message": message}}


def look(ask: Ask, method: str, *params: Any) -> Any:
    """Ask a question of a fault's own; None where it is refused."""
    return ask({"jsonrpc": "2.0", "id": 0, "method": method, "params": list(params)}).get("result")


def params_of(call: JsonCall) -> list[Any]:
    """Answer the parameters of a call, to be changed."""
    return list(call.get("params") or [])
