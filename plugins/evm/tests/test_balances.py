"""Balances of many addresses: in one call where the node runs our program, one by one where it does not."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.types import Capability, Holding
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall
from cloudpay_evm import bytecode
from cloudpay_evm.balances import AT_ONCE

MakeAdapter = Any
Address = Callable[[str], str]

REFUSED = Answered(error={"code": -32602, "message": "missing value for required argument: to"})


def _is_program(call: JsonCall) -> bool:
    return bool(call["method"] == "eth_call" and "to" not in call["params"][0])


def _asked(proxy: FaultProxy) -> int:
    """How many addresses the last program was sent with."""
    [*_, last] = [call for call in proxy.calls if _is_program(call)]
    behind = len(last["params"][0]["data"]) - 2 - 2 * len(bytecode.READ_COINS)
    return behind // (2 * bytecode.ADDRESS_BYTES)


def test_balances_of_three_thousand_addresses_cost_two_calls(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, address: Address
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url])
    contracts = [asset.token_address for asset in evm_chain.network.assets.values() if asset.token_address]
    addresses = [*(address(f"one of many {number}") for number in range(3_000)), *contracts]
    funded = {addresses[place]: 10**place for place in (0, 1, 20, 38)}
    funded |= {addresses[place]: place for place in (AT_ONCE - 1, AT_ONCE, 2_999)} | {contracts[0]: 7}
    for where, amount in funded.items():
        evm_chain.node.set_balance(where, amount)
    evm_chain.node.mine(1)
    at = adapter.head().latest.ref
    proxy.calls.clear()
    found = adapter.balances([Holding(each, None) for each in addresses], at)
    assert Counter(proxy.methods()) == {
        "eth_call": 3
    }  # the third for the contracts behind the three thousand
    assert {holding.address: amount for holding, amount in found.items() if amount} == funded
    assert list(found) == [Holding(each, None) for each in addresses]


def test_one_call_answers_as_many_as_the_watcher_looks_at(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, address: Address
) -> None:
    from cloudpay.payments.balances import BUDGET_AT_ONCE

    adapter = adapter_of(evm_chain, [proxy.url])
    holdings = [Holding(address(f"within the budget {number}"), None) for number in range(BUDGET_AT_ONCE)]
    at = adapter.head().latest.ref
    proxy.calls.clear()
    assert set(adapter.balances(holdings, at).values()) == {0}
    assert proxy.methods() == ["eth_call"]


def test_many_at_once_are_promised_only_where_every_node_answers_them(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter
) -> None:
    untraced = {"traces": "off"}
    able = adapter_of(evm_chain, [proxy.url], **untraced)
    able.verify()
    assert Capability.MANY_BALANCES in able.capabilities
    tokens_alone = adapter_of(evm_chain, [proxy.url], watch_native=False)
    tokens_alone.verify()
    assert Capability.MANY_BALANCES not in tokens_alone.capabilities
    proxy.on_call = lambda call: REFUSED if _is_program(call) else None
    unable = adapter_of(evm_chain, [evm_chain.node.rpc_url, proxy.url], **untraced)
    unable.verify()
    assert Capability.MANY_BALANCES not in unable.capabilities


@pytest.mark.parametrize("answer", [REFUSED, Answered("0x"), Answered("0x" + "00" * 16 * 4)])
def test_a_node_that_does_not_run_the_program_is_asked_for_each_balance(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, address: Address, answer: Answered
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url], traces="off")
    adapter.verify()
    proxy.on_call = lambda call: answer if _is_program(call) else None
    holdings = [Holding(address(f"one by one {number}"), None) for number in range(3)]
    for number, each in enumerate(holdings):
        evm_chain.node.set_balance(each.address, 5 + number)
    evm_chain.node.mine(1)
    at = adapter.head().latest.ref
    for _ in range(2):
        proxy.calls.clear()
        assert list(adapter.balances(holdings, at).values()) == [5, 6, 7]
    assert proxy.methods() == ["eth_getBalance"] * 3, "what it refused once it is not asked again"
    assert Capability.MANY_BALANCES not in adapter.capabilities


def test_a_node_that_answers_fewer_at_once_is_asked_for_fewer(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, address: Address
) -> None:
    too_much = Answered(error={"code": -32000, "message": "out of gas"})
    most = 2 + 2 * len(bytecode.READ_COINS) + 400 * 2 * bytecode.ADDRESS_BYTES
    proxy.on_call = lambda call: (
        too_much if _is_program(call) and len(call["params"][0]["data"]) > most else None
    )
    adapter = adapter_of(evm_chain, [proxy.url], traces="off")
    adapter.verify()
    assert Capability.MANY_BALANCES in adapter.capabilities
    holdings = [Holding(address(f"fewer {number}"), None) for number in range(800)]
    at = adapter.head().latest.ref
    proxy.calls.clear()
    assert len(adapter.balances(holdings, at)) == 800
    assert Counter(proxy.methods()) == {"eth_call": 3}
    assert _asked(proxy) <= 375


def test_a_balance_beyond_the_program_is_read_exactly(
    evm_chain: DevChain, adapter_of: MakeAdapter, address: Address
) -> None:
    adapter = adapter_of(evm_chain)
    rich, poor = Holding(address("rich"), None), Holding(address("poor"), None)
    evm_chain.node.set_balance(rich.address, 2**128 + 1)
    evm_chain.node.set_balance(poor.address, 2**128 - 1)
    evm_chain.node.mine(1)
    at = adapter.head().latest.ref
    assert adapter.balances([rich, poor], at) == {rich: 2**128 + 1, poor: 2**128 - 1}
    again = adapter_of(evm_chain)
    assert again.balances([poor, Holding(address("nobody"), None)], at)[poor] == 2**128 - 1
    evm_chain.node.set_balance(rich.address, 0)


def test_a_node_without_the_state_of_a_block_is_not_taken_for_one_that_cannot(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, address: Address
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url], traces="off")
    adapter.verify()
    gone = Answered(error={"code": -32000, "message": "missing trie node"})
    proxy.on_call = lambda call: gone if call["method"] in ("eth_call", "eth_getBalance") else None
    holdings = [Holding(address(f"pruned {number}"), None) for number in range(2)]
    with pytest.raises(NodeUnavailable, match="missing trie node"):
        adapter.balances(holdings, adapter.head().latest.ref)
    assert Capability.MANY_BALANCES in adapter.capabilities


def test_many_balances_of_a_replaced_block_are_not_to_be_had(
    start_chain: Any, adapter_of: MakeAdapter, address: Address
) -> None:
    chain = start_chain("evm")
    adapter = adapter_of(chain, traces="off")
    chain.node.mine(3)
    replaced = adapter.head().latest.ref
    chain.node.reorg(1)
    with pytest.raises(Unlinked):
        adapter.balances([Holding(address(f"replaced {number}"), None) for number in range(9)], replaced)
    assert Capability.MANY_BALANCES not in adapter.capabilities  # it was never verified
    adapter.verify()
    assert Capability.MANY_BALANCES in adapter.capabilities
