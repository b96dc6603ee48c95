"""Nodes that are behind, stand still, or go back: everything above a certain block does not exist for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudpay_devnet.faultproxy.values import (
    Ask,
    Fault,
    JsonAnswer,
    JsonCall,
    error,
    look,
    params_of,
    result,
)


class Ceiling(Fault):
    """Hides what lies above a block."""

    def top(self, ask: Ask) -> int:
        """Answer the newest block that exists for this node."""
        raise RuntimeError(f"{type(self).__name__} does not say where its chain ends")

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Answer as a node whose newest block is `top`."""
        method, params, top = call["method"], params_of(call), self.top(ask)
        if method == "eth_blockNumber":
            return result(call, hex(top))
        for methods, answer in _ANSWERS.items():
            if method in methods and params:
                return answer(call, ask, params, top)
        return ask(call)


@dataclass
class StaleHead(Ceiling):
    """A head `blocks` behind the chain's, as of a node that syncs, or the slowest behind a balancer."""

    name: ClassVar[str] = "stale_head"
    blocks: int = 5

    def top(self, ask: Ask) -> int:
        """So many below the real head."""
        return max(0, int(look(ask, "eth_blockNumber"), 16) - self.blocks)


@dataclass
class FrozenHead(Ceiling):
    """A head that stands where it stood when this was switched on: a node that lost its peers, or its beacon node."""

    name: ClassVar[str] = "frozen_head"

    def __post_init__(self) -> None:
        self._top: int | None = None

    def top(self, ask: Ask) -> int:
        """The head of the first question."""
        if self._top is None:
            self._top = int(look(ask, "eth_blockNumber"), 16)
        return self._top


@dataclass
class BackwardsHead(Ceiling):
    """A head that goes back by `blocks` at every second look: two nodes behind one address, one of them slower."""

    name: ClassVar[str] = "backwards_head"
    blocks: int = 3

    def __post_init__(self) -> None:
        self._looks = 0

    def top(self, ask: Ask) -> int:
        """The real head, or one below it."""
        return max(0, int(look(ask, "eth_blockNumber"), 16) - (self.blocks if self._looks % 2 else 0))

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Change sides with every question for the head."""
        params = params_of(call)
        if call["method"] == "eth_blockNumber" or (
            call["method"] == "eth_getBlockByNumber" and params[0] == "latest"
        ):
            self._looks += 1
        return super().call(call, ask)


@dataclass
class FrozenFinality(Fault):
    """`finalized` and `safe` stand still while the head moves, as when a third of Ethereum's validators are away."""

    name: ClassVar[str] = "frozen_finalized"

    def __post_init__(self) -> None:
        self._at: dict[str, str] = {}

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Answer the tags with the block that they named first."""
        params = params_of(call)
        tag = params[0] if call["method"] == "eth_getBlockByNumber" and params else None
        if tag not in ("finalized", "safe"):
            return ask(call)
        if tag not in self._at:
            self._at[tag] = look(ask, "eth_getBlockByNumber", tag, False)["number"]
        return ask({**call, "params": [self._at[tag], *params[1:]]})


def _place(ask: Ask, place: str, top: int) -> int:
    """Answer the height that a number or a tag means below a ceiling."""
    if place.startswith("0x"):
        return int(place, 16)
    if place in ("latest", "pending"):
        return top
    block = look(ask, "eth_getBlockByNumber", place, False)
    return min(top, int(block["number"], 16)) if block else top


def _height_of(ask: Ask, block_hash: str) -> int:
    block = look(ask, "eth_getBlockByHash", block_hash, False)
    return int(block["number"], 16) if block else 0


def _above(found: Mapping[str, Any] | None, top: int) -> bool:
    return bool(found and found.get("blockNumber") and int(found["blockNumber"], 16) > top)


def _by_number(call: JsonCall, ask: Ask, params: list[Any], top: int) -> JsonAnswer:
    height = _place(ask, params[0], top)
    return result(call, None) if height > top else ask({**call, "params": [hex(height), *params[1:]]})


def _by_hash(call: JsonCall, ask: Ask, params: list[Any], top: int) -> JsonAnswer:
    if _height_of(ask, params[0]) <= top:
        return ask(call)
    return result(call, None) if call["method"].startswith("eth_") else error(call, -32000, "block not found")


def _of_transaction(call: JsonCall, ask: Ask, _params: list[Any], top: int) -> JsonAnswer:
    answer = ask(call)
    return result(call, None) if _above(answer.get("result"), top) else answer


def _at_a_block(call: JsonCall, ask: Ask, params: list[Any], top: int) -> JsonAnswer:
    place = params[1] if len(params) > 1 else "latest"
    if isinstance(place, Mapping):
        height = (
            _height_of(ask, place["blockHash"]) if "blockHash" in place else int(place["blockNumber"], 16)
        )
    else:
        height = _place(ask, place, top)
    if height > top:
        return error(call, -32000, "header not found")
    at = place if isinstance(place, Mapping) else hex(height)
    return ask({**call, "params": [params[0], at, *params[2:]]})


def _logs(call: JsonCall, ask: Ask, params: list[Any], top: int) -> JsonAnswer:
    asked = params[0]
    if "blockHash" in asked:
        above = _height_of(ask, asked["blockHash"]) > top
        return error(call, -32000, "unknown block") if above else ask(call)
    first, last = (_place(ask, asked.get(key, "latest"), top) for key in ("fromBlock", "toBlock"))
    if first > top:
        return result(call, [])
    return ask({**call, "params": [{**asked, "fromBlock": hex(first), "toBlock": hex(min(last, top))}]})


_ANSWERS = {
    (
        "eth_getBlockByNumber",
        "eth_getBlockReceipts",
        "eth_getBlockTransactionCountByNumber",
        "trace_block",
        "debug_traceBlockByNumber",
    ): _by_number,
    ("eth_getBlockByHash", "debug_traceBlockByHash"): _by_hash,
    ("eth_getTransactionReceipt", "eth_getTransactionByHash"): _of_transaction,
    ("eth_getBalance", "eth_call", "eth_getCode", "eth_getTransactionCount"): _at_a_block,
    ("eth_getLogs",): _logs,
}
"""How each method is answered below a ceiling."""
