"""Balances of many holders of a token: in one call where the node runs our program, whatever one of them does."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.types import Holding
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall
from cloudpay_evm import bytecode
from cloudpay_evm.balances import AT_ONCE
from cloudpay_evm.checksum import checksummed

MakeAdapter = Any
Address = Callable[[str], str]

REFUSED = Answered(error={"code": -32602, "message": "missing value for required argument: to"})

DEAR, RICH, BLOCKED, MUTE = "01", "02", "03", "04"
# A token that answers the last byte of its holder's address as the balance, but for those: 9 where it is given 200,000
# gas, and else it burns all that it has; 2 ** 200; a revert; nothing.
ODD_TOKEN = (
    "60ff60043516"
    "80600114602a57"
    "80600214604057"
    "80600314604e57"
    "80600414605457"
    "60005260206000f3"
    "5b600962030d405a10603e5760005260206000f3"
    "5bfe"
    "5b600160c81b60005260206000f3"
    "5b60006000fd"
    "5b00"
)


def _is_program(call: JsonCall) -> bool:
    return bool(call["method"] == "eth_call" and "to" not in call["params"][0])


def _programs(proxy: FaultProxy) -> list[int]:
    """How many holders each program was sent with."""
    sent = [call["params"][0]["data"] for call in proxy.calls if _is_program(call)]
    return [(len(data) // 2 - 1 - len(bytecode.READ_TOKENS)) // bytecode.ADDRESS_BYTES - 1 for data in sent]


def _alone(proxy: FaultProxy) -> int:
    """How many balances were asked for one by one."""
    return len(proxy.methods()) - len(_programs(proxy))


@pytest.fixture
def usdt(evm_chain: DevChain) -> str:
    contract = evm_chain.network.assets["USDT"].token_address
    assert contract
    return contract


@pytest.fixture
def odd(evm_chain: DevChain, address: Address) -> Callable[[str], Holding]:
    """What a holder has of a token that answers oddly, the holder's last byte given."""
    contract = address("an odd token")
    evm_chain.node.rpc.call("anvil_setCode", contract, "0x" + ODD_TOKEN)
    evm_chain.node.mine(1)

    def holding(last: str) -> Holding:
        whole = f"{int(address(f'holder {last}'), 16) >> 8:038x}{last}"
        return Holding(checksummed(whole), contract)

    return holding


def test_token_balances_of_three_thousand_addresses_cost_three_calls(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, address: Address, usdt: str
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url])
    holders = [address(f"one of many holders {number}") for number in range(2 * AT_ONCE)]
    funded = {holders[place]: 10 + place for place in (0, 1, AT_ONCE - 1, AT_ONCE, 2 * AT_ONCE - 1)}
    for where, amount in funded.items():
        evm_chain.fund(where, "USDT", amount)
    at = adapter.head().latest.ref
    evm_chain.fund(holders[2], "USDT", 77)  # a block later
    both = [Holding(each, contract) for each in holders for contract in (usdt, None)]
    proxy.calls.clear()
    found = adapter.balances(both, at)
    assert {each.address: n for each, n in found.items() if each.contract and n} == funded
    assert list(found) == both
    assert Counter(proxy.methods()) == {"eth_call": 5}, (
        "two for the coins, two for the token, and its richest alone"
    )
    assert _alone(proxy) == 1
    proxy.calls.clear()
    assert adapter.balances(both, at) == found
    assert _alone(proxy) == 0, "what was held against one balance once is believed"


def test_one_holder_that_a_token_does_not_answer_for_spoils_no_other(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, odd: Callable[[str], Holding]
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url])
    expected = {odd("00"): 0, odd("ff"): 255, odd(DEAR): 9, odd("07"): 7, odd(RICH): 2**200, odd("08"): 8}
    at = adapter.head().latest.ref
    proxy.calls.clear()
    assert adapter.balances(expected, at) == expected
    assert _programs(proxy) == [6]
    assert _alone(proxy) == 3, "the two that were not told, and the richest of the others"


@pytest.mark.parametrize(("last", "why"), [(BLOCKED, "revert"), (MUTE, "finds no token")])
def test_a_balance_that_a_token_tells_nobody_is_not_taken_for_nothing(
    proxy: FaultProxy,
    evm_chain: DevChain,
    adapter_of: MakeAdapter,
    odd: Callable[[str], Holding],
    last: str,
    why: str,
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url])
    at = adapter.head().latest.ref
    proxy.calls.clear()
    with pytest.raises(NodeUnavailable, match=why):
        adapter.balances([odd("05"), odd(last), odd("06")], at)
    assert _programs(proxy) == [3]


def test_where_no_token_lives_many_balances_are_not_taken_for_nothing(
    evm_chain: DevChain, adapter_of: MakeAdapter, address: Address
) -> None:
    adapter = adapter_of(evm_chain)
    holdings = [Holding(address(f"holder of nothing {number}"), address("no token")) for number in range(3)]
    with pytest.raises(NodeUnavailable, match="finds no token"):
        adapter.balances(holdings, adapter.head().latest.ref)


@pytest.mark.parametrize(
    "answer",
    [REFUSED, Answered("0x"), Answered("0x" + "00" * 16 * 4), Answered("0x" + f"{3:032x}" + "01" * 48)],
)
def test_a_node_that_does_not_run_the_program_is_asked_for_each_holder(
    proxy: FaultProxy,
    evm_chain: DevChain,
    adapter_of: MakeAdapter,
    address: Address,
    usdt: str,
    answer: Answered,
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url])
    proxy.on_call = lambda call: answer if _is_program(call) else None
    holdings = [Holding(address(f"one by one {number}"), usdt) for number in range(3)]
    before = adapter.balances(holdings, adapter.head().latest.ref)
    for number, each in enumerate(holdings):
        evm_chain.fund(each.address, "USDT", 5 + number)
    at = adapter.head().latest.ref
    proxy.calls.clear()
    found = adapter.balances(holdings, at)
    assert [found[each] - before[each] for each in holdings] == [5, 6, 7]
    assert _programs(proxy) == [], "what it refused once it is not asked again"
    assert _alone(proxy) == 3


def test_a_node_that_answers_fewer_holders_at_once_is_asked_for_fewer(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, address: Address, usdt: str
) -> None:
    too_much = Answered(error={"code": -32000, "message": "out of gas"})
    most = 2 + 2 * len(bytecode.READ_TOKENS) + 400 * 2 * bytecode.ADDRESS_BYTES
    proxy.on_call = lambda call: (
        too_much if _is_program(call) and len(call["params"][0]["data"]) > most else None
    )
    adapter = adapter_of(evm_chain, [proxy.url])
    holders = [address(f"fewer holders {number}") for number in range(800)]
    at = adapter.head().latest.ref
    adapter.balances([Holding(each, usdt) for each in holders], at)
    proxy.calls.clear()
    assert len(adapter.balances([Holding(each, usdt) for each in holders], at)) == 800
    assert _programs(proxy) == [375, 375, 50]
    proxy.on_call = lambda call: None
    proxy.calls.clear()
    adapter.balances([Holding(each, None) for each in holders], at)
    assert proxy.methods() == ["eth_call"], "what a token's balances burn says nothing of coins"


def test_token_balances_of_a_replaced_block_are_not_to_be_had(
    start_chain: Any, adapter_of: MakeAdapter, address: Address
) -> None:
    chain = start_chain("evm")
    adapter = adapter_of(chain, traces="off")
    contract = chain.network.assets["USDT"].token_address
    chain.node.mine(3)
    replaced = adapter.head().latest.ref
    chain.node.reorg(1)
    with pytest.raises(Unlinked):
        adapter.balances([Holding(address(f"replaced {number}"), contract) for number in range(9)], replaced)
