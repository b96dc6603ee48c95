"""Transactions whose receipt is missing, and transactions that a reorganisation sends back to the mempool."""

import threading
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudpay_devnet.faultproxy.values import Ask, Fault, JsonAnswer, JsonCall, look, result

_KEPT, _AT_FIRST = 256, 16
_WAITING = {"blockHash": None, "blockNumber": None, "transactionIndex": None}


@dataclass
class MissingReceipts(Fault):
    """No receipt for a transaction that is in a block: receipts are written after the block, or on another backend."""

    name: ClassVar[str] = "null_receipts"

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Know of no receipt."""
        return result(call, None) if call["method"] == "eth_getTransactionReceipt" else ask(call)


@dataclass
class ReturningTransactions(Fault):
    """What a reorganisation drops returns to the mempool, as on every real node; anvil forgets it.

    The proxy keeps the transactions of the newest blocks, shows those of replaced blocks as pending, and with
    `rebroadcast` sends their bytes again, so that a later block includes them.
    """

    name: ClassVar[str] = "returning_transactions"
    rebroadcast: bool = True

    def __post_init__(self) -> None:
        self._blocks: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._known: dict[str, dict[str, Any]] = {}
        self._bytes: dict[str, str | None] = {}
        self._waiting: set[str] = set()
        self._lock = threading.Lock()

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Follow the chain, then answer; what was dropped waits."""
        with self._lock:
            self._follow(ask)
        answer = ask(call)
        if call["method"] == "eth_getTransactionByHash" and answer.get("result") is None:
            wanted = call["params"][0]
            if wanted in self._waiting:
                return result(call, {**self._known[wanted], **_WAITING})
        return answer

    def _follow(self, ask: Ask) -> None:
        """Read new and replaced blocks from the head down to one that is known."""
        block = look(ask, "eth_getBlockByNumber", "latest", True)
        head = int(block["number"], 16)
        lowest = max(min(self._blocks, default=head - _AT_FIRST), head - _KEPT, 0)
        gone = {height: self._blocks.pop(height)[1] for height in list(self._blocks) if height > head}
        while block is not None:
            height = int(block["number"], 16)
            held = self._blocks.get(height)
            if held is not None and held[0] == block["hash"]:
                break
            if held is not None:
                gone[height] = held[1]
            self._keep(height, block, ask)
            block = look(ask, "eth_getBlockByNumber", hex(height - 1), True) if height > lowest else None
        for height in [each for each in self._blocks if each < head - _KEPT]:
            del self._blocks[height]
        included = {tx for _, txs in self._blocks.values() for tx in txs}
        dropped = [tx for height in sorted(gone) for tx in gone[height] if tx not in included]
        self._waiting = (self._waiting | set(dropped)) - included
        if self.rebroadcast:
            self._send(dropped, ask)

    def _keep(self, height: int, block: dict[str, Any], ask: Ask) -> None:
        self._blocks[height] = (block["hash"], tuple(each["hash"] for each in block["transactions"]))
        for each in block["transactions"]:
            if each["hash"] not in self._known:
                self._known[each["hash"]] = each
                self._bytes[each["hash"]] = look(ask, "eth_getRawTransactionByHash", each["hash"])

    def _send(self, dropped: list[str], ask: Ask) -> None:
        for tx in dropped:
            if self._bytes[tx] is not None:
                look(ask, "eth_sendRawTransaction", self._bytes[tx])
