"""What became of many transactions, and what each has cost."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from cloudpay.chains.spending import Spend
from cloudpay.chains.types import TxState
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall
from cloudpay_devnet.rpc import JsonRpc

Address = Callable[[str], str]


def test_the_data_fee_of_chains_over_ethereum_is_part_of_the_fee(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, address: Address
) -> None:
    wallet = wallet_of(evm_chain, [proxy.url])
    signed = wallet.send(Spend("a", wallet.source(), address("over"), None, 5))
    plain = wallet.state(signed).fee
    rpc = JsonRpc(proxy.upstream)

    def with_data_fee(call: JsonCall) -> Answered | None:
        if call["method"] != "eth_getTransactionReceipt":
            return None
        return Answered({**(rpc.record(call["method"], *call["params"]) or {}), "l1Fee": "0x4d2"})

    proxy.on_call = with_data_fee
    assert wallet.state(signed).fee == plain + 1_234
    rpc.close()


def test_a_thousand_are_asked_for_in_batches(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, address: Address
) -> None:
    wallet = wallet_of(evm_chain, [proxy.url])
    known = wallet.send(Spend("a", wallet.source(), address("among many"), None, 5)).tx_id
    requests: list[bytes] = []
    proxy.on_request = requests.append
    ids = [f"{number:#066x}" for number in range(1, 1_000)]
    found = wallet.adapter.statuses([known, *ids]).by_id
    assert Counter(each.state for each in found.values()) == {TxState.SUCCEEDED: 1, TxState.UNKNOWN: 999}
    assert len(requests) <= 2 + 2 * 1_000 // 20
