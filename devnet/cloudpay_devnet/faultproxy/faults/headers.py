"""Headers of proof-of-authority chains, which are longer and odder than Ethereum's."""

from dataclasses import dataclass
from typing import Any, ClassVar

from cloudpay_devnet.faultproxy.values import Ask, Fault, JsonAnswer, JsonCall

_ODD: dict[str, Any] = {
    "difficulty": "0x2",
    "totalDifficulty": None,
    "mixHash": None,
    "nonce": "0x0000000000000000",
    "requestsHash": None,
    "milliTimestamp": "0x19999999999",
    "validators": [],
}


@dataclass
class ProofOfAuthority(Fault):
    """`extraData` of `extra_bytes` (a signature and validators; BSC, Polygon) and fields that Ethereum lacks or has."""

    name: ClassVar[str] = "poa_headers"
    extra_bytes: int = 97

    def call(self, call: JsonCall, ask: Ask) -> JsonAnswer:
        """Lengthen a block's header, and rearrange its fields."""
        answer = ask(call)
        block: Any = answer.get("result")
        if not call["method"].startswith("eth_getBlockBy") or not block:
            return answer
        kept = {key: value for key, value in block.items() if key not in ("baseFeePerGas", "withdrawalsRoot")}
        return {**answer, "result": {**kept, **_ODD, "extraData": "0x" + "d9" * self.extra_bytes}}
