"""Logs that are missing or undone, with no error to say so."""

from dataclasses import dataclass
from typing import ClassVar

from cloudpay_devnet.faultproxy.values import Ask, Fault, JsonAnswer, JsonCall, result

_TOPIC = "eth_getLogs"


@dataclass
class EmptyLogs(Fault):
    """No logs from block `since` on, and no error: the log index lags behind the headers (seen on public BSC nodes)."""

    name: ClassVar[str] = "empty_logs"
    since: int = 0

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Leave logs out."""
        answer = ask(call)
        if call["method"] != _TOPIC or "result" not in answer:
            return answer
        return result(call, [log for log in answer["result"] if int(log["blockNumber"], 16) < self.since])


@dataclass
class CutLogs(Fault):
    """The first `keep` logs of an answer only: hosts that cap the number of results without a word."""

    name: ClassVar[str] = "cut_logs"
    keep: int = 1

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Cut the list."""
        answer = ask(call)
        if call["method"] != _TOPIC or "result" not in answer:
            return answer
        return result(call, answer["result"][: self.keep])


@dataclass
class LostLogs(Fault):
    """All logs but those that have the address `to` as their last topic: an index with a hole in it."""

    name: ClassVar[str] = "lost_logs"
    to: str = ""

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Leave out what goes to the address."""
        answer = ask(call)
        if call["method"] != _TOPIC or "result" not in answer or not self.to:
            return answer
        end = self.to.lower().removeprefix("0x")
        return result(call, [log for log in answer["result"] if not log["topics"][-1].lower().endswith(end)])


@dataclass
class RemovedLogs(Fault):
    """Logs that say `removed: true`, as geth tells of a block that it is just undoing.

    With `beside` they come beside the true ones, as in a stream of changes; without it in their place.
    """

    name: ClassVar[str] = "removed_logs"
    beside: bool = False

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Mark logs as undone."""
        answer = ask(call)
        if call["method"] != _TOPIC or "result" not in answer:
            return answer
        undone = [{**log, "removed": True} for log in answer["result"]]
        return result(call, [*undone, *answer["result"]] if self.beside else undone)
