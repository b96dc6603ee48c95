"""Why a transaction would fail, from each way in which nodes tell it."""

from typing import Any

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import Spend
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.contracts import call_data
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall
from cloudpay_evm.errors import Refused
from cloudpay_evm.reverts import reason, would_fail

Wallet = Any
ERROR = call_data("Error(string)", "the till\nis \x1b[31mclosed")
PANIC = call_data("Panic(uint256)", 0x11)

TOLD = {
    "geth": (3, "execution reverted: paused", "", "paused"),
    "geth, without a reason": (3, "execution reverted", "0x", "it gives no reason"),
    "Nethermind, Besu": (-32015, "VM execution error.", ERROR, "the tillis [31mclosed"),
    "a panic": (3, "execution reverted", PANIC, "panic 0x11"),
    "a contract's own error": (3, "execution reverted", "0x9e87fac8", "the contract's own error 0x9e87fac8"),
    "words as data": (-32015, "VM execution error: revert", "Reverted 0x", "it gives no reason"),
    "a reason that lies about its length": (3, "reverted", ERROR[:74] + "f" * 64, "it gives no reason"),
    "no gas is enough": (-32000, "gas required exceeds allowance (30000000)", "", "gas required exceeds"),
}


@pytest.mark.parametrize(("code", "message", "data", "words"), TOLD.values(), ids=TOLD)
def test_the_reason_is_told_in_words(code: int, message: str, data: str, words: str) -> None:
    refusal = Refused("eth_call", code, message, data)
    assert would_fail(refusal)
    assert reason(refusal).startswith(f"it would be reverted: {words}")


@pytest.mark.parametrize(
    "message",
    ["header not found", "missing trie node", "insufficient funds for transfer", "method not found"],
)
def test_a_nodes_own_trouble_is_no_reason(message: str) -> None:
    assert not would_fail(Refused("eth_estimateGas", -32000, message))


def refuse(method: str, only: str = "") -> Any:
    trouble = Answered(error={"code": -32000, "message": "header not found", "data": {"odd": [1]}})
    return lambda call: trouble if call["method"] == method and only in str(call["params"]) else None


def test_what_a_node_cannot_tell_about_one_waits_and_the_others_are_drafted(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, address: Any
) -> None:
    wallet = wallet_of(evm_chain, [proxy.url])
    source, odd = wallet.source(), address("odd")
    proxy.on_call = refuse("eth_estimateGas", only=odd)
    spends = [Spend(each, source, address(each), None, 1) for each in ("odd", "even")]
    prepared = wallet.prepare(*spends)
    assert [draft.spends[0].id for draft in prepared.drafts] == ["even"] and prepared.refused == ()


def test_a_node_that_can_tell_nothing_is_left_for_another(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, address: Any
) -> None:
    proxy.on_call = refuse("eth_estimateGas")
    alone = wallet_of(evm_chain, [proxy.url])
    spend = Spend("a", alone.source(), address("x"), None, 1)
    with pytest.raises(NodeUnavailable, match="header not found"):
        alone.prepare(spend)
    two = wallet_of(evm_chain, [proxy.url, evm_chain.node.rpc_url])
    two.keys = alone.keys
    assert len(two.prepare(spend).drafts) == 1


def test_a_token_spent_in_a_block_between_two_looks_waits(
    wallet_of: Any, proxy: FaultProxy, evm_chain: DevChain, address: Any
) -> None:
    wallet = wallet_of(evm_chain, [proxy.url])
    contract = evm_chain.asset("USDT").token_address
    spend = Spend("a", wallet.source(tokens=10), address("x"), contract, 10)

    def spend_it_first(call: JsonCall) -> Answered | None:
        if call["method"] == "eth_call" and "a9059cbb" in call["params"][0]["data"]:
            evm_chain.node.rpc.call("anvil_impersonateAccount", spend.source)
            evm_chain.transfer(spend.source, "USDT", address("y"), 10)
        return None

    proxy.on_call = spend_it_first
    prepared = wallet.prepare(spend)
    assert (prepared.drafts, prepared.refused) == ((), ())
