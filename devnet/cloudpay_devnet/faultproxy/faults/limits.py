"""Limits on eth_getLogs, in the words of those who set them."""

from dataclasses import dataclass
from typing import ClassVar

from cloudpay_devnet.faultproxy.values import Ask, Fault, JsonAnswer, JsonCall, error, look, params_of

WORDS: dict[str, tuple[int, str]] = {
    "infura": (-32005, "query returned more than 10000 results. Try with this block range [0x1, 0x2]."),
    "alchemy": (
        -32602,
        "Log response size exceeded. You can make eth_getLogs requests with up to a 2K block range.",
    ),
    "quicknode": (-32614, "eth_getLogs is limited to a 10,000 range"),
    "llama": (-32600, "eth_getLogs range is too large, max is 1k blocks"),
    "ankr": (-32600, "block range is too wide"),
    "binance": (-32005, "limit exceeded"),
    "publicnode": (-32701, "exceed maximum block range: 50000"),
    "drpc": (35, "ranges over 10000 blocks are not supported on freetier"),
    "cloudflare": (
        -32047,
        "Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800",
    ),
    "chainstack": (-32000, "Block range limit exceeded. See more details at https://docs.chainstack.com"),
    "avalanche": (-32000, "requested too many blocks from 1 to 9999, maximum is set to 2048"),
    "erigon": (-32000, "block range exceeds the limit of 2000"),
    "besu": (-32005, "Requested range exceeds maximum RPC range limit"),
    "tenderly": (-32004, "query timeout exceeded: narrow your block range"),
    "geth": (-32000, "query timed out"),
}
"""Code and message by provider or client, as their users report them."""


@dataclass
class RangeLimit(Fault):
    """eth_getLogs refused beyond `blocks` blocks or `results` logs (0: no limit), in the words of `provider`."""

    name: ClassVar[str] = "range_limit"
    blocks: int = 1000
    results: int = 0
    provider: str = "llama"

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Refuse a range that is too wide, or holds too much."""
        asked = (params_of(call) or [{}])[0] if call["method"] == "eth_getLogs" else {}
        if "fromBlock" not in asked:
            return ask(call)
        first, last = (_height(ask, asked[key]) for key in ("fromBlock", "toBlock"))
        answer = ask(call)
        if (self.blocks and last - first + 1 > self.blocks) or (
            self.results and len(answer.get("result", ())) > self.results
        ):
            return error(call, *WORDS[self.provider])
        return answer


@dataclass
class NoTraces(Fault):
    """Tracing methods that are not there, as on every free node, and on paid ones after a change of plan."""

    name: ClassVar[str] = "no_traces"

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Refuse what traces."""
        method = call["method"]
        if method.startswith(("debug_", "trace_")):
            return error(call, -32601, f"the method {method} does not exist/is not available")
        return ask(call)


def _height(ask: Ask, place: str) -> int:
    return int(place if place.startswith("0x") else look(ask, "eth_blockNumber"), 16)
