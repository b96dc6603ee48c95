"""Proof-of-authority chains put signatures into `extraData`: up to kilobytes where Ethereum allows 32 bytes."""

from typing import Any

from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall


def test_long_headers_of_proof_of_authority_are_read(
    bsc_chain: DevChain, adapter_of: Any, ours: Any, address: Any
) -> None:
    lengthened = 0

    def lengthen(call: JsonCall) -> Answered | None:
        nonlocal lengthened
        if not call["method"].startswith("eth_getBlockBy"):
            return None
        block: Any = bsc_chain.node.rpc.call(call["method"], *call["params"])
        if block is None:
            return None
        lengthened += 1
        return Answered({**block, "extraData": "0x" + "d9" * 1_500})

    with FaultProxy(bsc_chain.node.rpc_url) as proxy:
        proxy.on_call = lengthen
        adapter = adapter_of(bsc_chain, [proxy.url])
        adapter.verify()
        start = adapter.head().latest.ref
        bsc_chain.pay("USDT", address("poa"), 5)
        bsc_chain.pay("BNB", address("poa"), 6)
        assert [each.amount for each in ours(address("poa")).transfers(adapter, start)] == [5, 6]
    assert lengthened >= 3
