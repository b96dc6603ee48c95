"""Nodes on another chain than the others: another id, another first block, another fork."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudpay_devnet.faultproxy.values import Ask, Fault, JsonAnswer, JsonCall, look, params_of, result

_UNKNOWN = "0x" + hashlib.sha256(b"a block that nobody has").hexdigest()


@dataclass
class WrongChainId(Fault):
    """Another chain's id, as when a host's address for one network is pasted into another's settings."""

    name: ClassVar[str] = "wrong_chain_id"
    chain_id: int = 1

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Answer that id."""
        if call["method"] == "eth_chainId":
            return result(call, hex(self.chain_id))
        return result(call, str(self.chain_id)) if call["method"] == "net_version" else ask(call)


class _OtherHashes(Fault):
    """Gives blocks other hashes, wherever they are named, and understands them when it is asked by them."""

    def __init__(self) -> None:
        self._other: dict[str, str] = {}
        self._real: dict[str, str] = {}

    def is_other(self, height: int) -> bool:
        """Say whether the block at a height is another one for this node."""
        raise RuntimeError(f"{type(self).__name__} does not say which blocks differ")

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Translate hashes in both directions."""
        translated = [self._understood(each, ask) for each in params_of(call)]
        answer = ask({**call, "params": translated})
        if "result" not in answer:
            return answer
        self._learn(answer["result"], ask)
        return {**answer, "result": self._renamed(answer["result"])}

    def _understood(self, value: Any, ask: Ask) -> Any:
        if isinstance(value, Mapping):
            return {key: self._understood(each, ask) for key, each in value.items()}
        if not isinstance(value, str) or len(value) != len(_UNKNOWN):
            return value
        if value in self._real:
            return self._real[value]
        block = look(ask, "eth_getBlockByHash", value, False)
        return _UNKNOWN if block and self.is_other(int(block["number"], 16)) else value

    def _learn(self, value: Any, ask: Ask) -> None:
        """Find the blocks that an answer names, and give them their other hashes."""
        if isinstance(value, list):
            for each in value:
                self._learn(each, ask)
        elif isinstance(value, Mapping):
            if "parentHash" in value and value.get("number"):
                self._name(value["hash"], int(value["number"], 16))
                self._name(value["parentHash"], int(value["number"], 16) - 1)
            elif value.get("blockHash") and value.get("blockNumber") is not None:
                number = value["blockNumber"]  # trace_block gives a plain number
                self._name(value["blockHash"], number if isinstance(number, int) else int(number, 16))

    def _name(self, real: str, height: int) -> None:
        if self.is_other(height) and real not in self._other:
            other = "0x" + hashlib.sha256(f"{self.name} {real}".encode()).hexdigest()
            self._other[real], self._real[other] = other, real

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._other.get(value, value)
        if isinstance(value, list):
            return [self._renamed(each) for each in value]
        if isinstance(value, Mapping):
            return {key: self._renamed(each) for key, each in value.items()}
        return value


@dataclass
class OtherFork(_OtherHashes):
    """Other blocks from height `since` on, linked among themselves: a node that a split of the network left alone."""

    name: ClassVar[str] = "other_fork"
    since: int = 1

    def __post_init__(self) -> None:
        super().__init__()

    def is_other(self, height: int) -> bool:
        """From there on all of them."""
        return height >= self.since


@dataclass
class WrongGenesis(_OtherHashes):
    """Another first block under the same chain id: a private or test chain with a copied id, or one begun anew."""

    name: ClassVar[str] = "wrong_genesis"

    def __post_init__(self) -> None:
        super().__init__()

    def is_other(self, height: int) -> bool:
        """The first one."""
        return height == 0
