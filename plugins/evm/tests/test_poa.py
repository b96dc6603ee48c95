"""Proof-of-authority chains put signatures into `extraData`: up to kilobytes where Ethereum allows 32 bytes."""

from typing import Any

import pytest

from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import FaultProxy
from cloudpay_devnet.faultproxy.faults.headers import ProofOfAuthority


@pytest.mark.parametrize("extra_bytes", [97, 1_500])
def test_long_and_odd_headers_of_proof_of_authority_are_read(
    bsc_chain: DevChain, adapter_of: Any, ours: Any, address: Any, extra_bytes: int
) -> None:
    receiver = address(f"poa {extra_bytes}")
    with FaultProxy(bsc_chain.node.rpc_url) as proxy:
        switch = proxy.switch_on(ProofOfAuthority(extra_bytes=extra_bytes))
        adapter = adapter_of(bsc_chain, [proxy.url])
        adapter.verify()
        start = adapter.head().latest.ref
        bsc_chain.pay("USDT", receiver, 5)
        bsc_chain.pay("BNB", receiver, 6)
        assert [each.amount for each in ours(receiver).transfers(adapter, start)] == [5, 6]
    assert switch.hits >= 3
