"""Scanning a real node: what is found, and what it costs."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.types import Capability, Holding, TransferSource, TxState
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall
from cloudpay_devnet.networks import TokenSpec

MakeAdapter = Any
Address = Callable[[str], str]


def test_fifty_transfers_of_one_transaction_are_fifty(  # F8, F9
    evm_chain: DevChain, adapter_of: MakeAdapter, ours: Any, address: Address
) -> None:
    adapter = adapter_of(evm_chain)
    start = adapter.head().latest.ref
    one, two = address("fifty"), address("fifty, another")
    tx_id = evm_chain.pay_many_tokens("USDT", [(one if n % 2 else two, n) for n in range(1, 51)])
    found = ours(one, two).transfers(adapter, start)
    assert [each.amount for each in found] == list(range(1, 51))
    assert {each.tx_id for each in found} == {tx_id}
    assert {each.sender for each in found} == {evm_chain.payer.address}, "the payer is the log's `from`"  # F7


@pytest.mark.parametrize(
    ("how", "moved"), [("send", True), ("sendBySelfdestruct", True), ("sendThenUndo", False)]
)
def test_native_coins_from_contracts_are_found_by_traces(  # F11
    evm_chain: DevChain, adapter_of: MakeAdapter, ours: Any, address: Address, how: Any, moved: bool
) -> None:
    adapter = adapter_of(evm_chain)
    adapter.verify()
    assert Capability.TRACES in adapter.capabilities
    start, receiver = adapter.head().latest.ref, address(how)
    tx_id = evm_chain.pay_through_contract(receiver, 321, how)
    found = [(each.tx_id, each.amount, each.source) for each in ours(receiver).transfers(adapter, start)]
    assert found == ([(tx_id, 321, TransferSource.TRACE)] if moved else [])


@pytest.mark.parametrize(
    ("refused", "used"), [("trace_", "debug_traceBlockByHash"), ("debug_", "trace_block")]
)
def test_either_kind_of_traces_finds_the_same(  # F11
    proxy: FaultProxy,
    evm_chain: DevChain,
    adapter_of: MakeAdapter,
    ours: Any,
    address: Address,
    refused: str,
    used: str,
) -> None:
    missing = Answered(error={"code": -32601, "message": "the method does not exist"})
    proxy.on_call = lambda call: missing if call["method"].startswith(refused) else None
    adapter = adapter_of(evm_chain, [proxy.url])
    adapter.verify()
    assert Capability.TRACES in adapter.capabilities
    start, receiver = adapter.head().latest.ref, address(used)
    evm_chain.pay_through_contract(receiver, 11)
    evm_chain.pay_through_contract(receiver, 12, "sendBySelfdestruct")
    evm_chain.pay_through_contract(receiver, 13, "sendThenUndo")
    evm_chain.pay_many_through_contract([(receiver, 14), (receiver, 15)])
    assert [each.amount for each in ours(receiver).transfers(adapter, start)] == [11, 12, 14, 15]
    assert used in proxy.methods()


def test_without_traces_nothing_is_promised_and_contract_money_is_left_to_balances(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, ours: Any, address: Address
) -> None:
    refused = Answered(error={"code": -32601, "message": "the method does not exist"})
    proxy.on_call = lambda call: refused if "trace" in call["method"] else None
    adapter = adapter_of(evm_chain, [proxy.url])
    adapter.verify()
    assert Capability.TRACES not in adapter.capabilities
    start, receiver = adapter.head().latest.ref, address("untraced")
    evm_chain.pay_through_contract(receiver, 9)
    assert ours(receiver).transfers(adapter, start) == []
    holding = Holding(receiver, None)
    assert adapter.balances([holding], adapter.head().latest.ref) == {holding: 9}


def test_a_token_of_the_same_name_at_another_contract_is_nothing(  # F1
    evm_chain: DevChain, adapter_of: MakeAdapter, ours: Any, address: Address
) -> None:
    fake = evm_chain.deploy_token(TokenSpec("USDT", "Tether USD", 6), "counterfeit")
    adapter = adapter_of(evm_chain)
    start, receiver = adapter.head().latest.ref, address("counterfeit")
    from cloudpay_devnet.contracts import call_data

    request = {
        "from": evm_chain.payer.address,
        "to": fake,
        "data": call_data("transfer(address,uint256)", receiver, 5),
    }
    evm_chain.wait_for(evm_chain.node.rpc.text("eth_sendTransaction", request))
    assert ours(receiver).transfers(adapter, start) == []


def test_a_receipt_that_is_missing_is_asked_for_again_and_never_means_failed(  # F39
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, ours: Any, address: Address
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url], traces="off")
    start, receiver = adapter.head().latest.ref, address("late receipt")
    tx_id = evm_chain.pay("ETH", receiver, 5)
    proxy.on_call = lambda call: Answered(None) if call["method"] == "eth_getTransactionReceipt" else None
    with pytest.raises(NodeUnavailable, match="no receipt"):
        adapter.scan(start, 10, ours(receiver))
    sure = adapter_of(evm_chain, [proxy.url])
    assert sure.statuses([tx_id]).by_id[tx_id].state is TxState.PENDING
    proxy.on_call = lambda _: None
    assert [each.tx_id for each in ours(receiver).transfers(adapter_of(evm_chain), start)] == [tx_id]


def test_a_poll_for_tokens_costs_three_calls_however_many_addresses_are_watched(
    start_chain: Any, adapter_of: MakeAdapter, ours: Any, address: Address
) -> None:
    chain = start_chain("evm")
    adapter = adapter_of(chain, watch_native=False)
    cursor = adapter.scan(None, 10, ours()).headers[-1].ref
    for watched in (1, 3_000):
        watch = ours(*(address(f"invoice {n}") for n in range(watched)))
        for moves in (True, False):
            if moves:
                chain.pay("USDT", address("invoice 0"), 7)
            before = adapter.rpc_calls
            adapter.head()
            page = adapter.scan(cursor, 100, watch)
            assert adapter.rpc_calls - before <= 3
            assert len(page.transfers) == len(page.headers) == int(moves)
            cursor = page.headers[-1].ref if page.headers else cursor
        assert watch.asked == 1


@pytest.mark.parametrize("blocks", [1, 30])  # near the head, and a range far below it
def test_watching_tokens_alone_reads_no_full_block_and_no_receipt(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter, ours: Any, address: Address, blocks: int
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url], watch_native=False)
    adapter.verify()
    start, receiver = adapter.head().latest.ref, address(f"tokens alone, {blocks}")
    evm_chain.pay("ETH", receiver, 5)
    evm_chain.pay("USDT", receiver, 6)
    evm_chain.node.mine(blocks)
    proxy.calls.clear()
    adapter.head()
    assert [each.amount for each in ours(receiver).transfers(adapter, start)] == [6]
    assert set(proxy.methods()) == {"eth_getBlockByNumber", "eth_getLogs"}
    assert not any(call["params"][1] for call in proxy.calls if call["method"] == "eth_getBlockByNumber")


def test_a_head_that_has_not_moved_is_one_question(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: MakeAdapter
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url])
    evm_chain.node.mine(20)
    first = adapter.head()
    proxy.calls.clear()
    assert adapter.head() == first
    assert proxy.methods() == ["eth_getBlockByNumber"]
    evm_chain.node.mine(1)
    assert adapter.head().final.height == first.final.height + 1


def test_a_reorganisation_is_unlinked_also_where_the_head_was_seen_before(
    start_chain: Any, adapter_of: MakeAdapter, ours: Any, address: Address
) -> None:
    chain = start_chain("evm")
    for native in (True, False):
        adapter = adapter_of(chain, watch_native=native)
        chain.node.mine(3)
        ancestor = adapter.head().latest.ref
        chain.pay("USDT", address("gone"), 5)
        orphan = adapter.head().latest.ref
        chain.node.reorg(1)
        page = adapter.scan(ancestor, 10, ours(address("gone")))  # what head() saw is gone by now
        assert page.transfers == () and orphan.hash not in {header.hash for header in page.headers}
        with pytest.raises(Unlinked):
            adapter.scan(orphan, 10, ours())
        chain.node.mine(2)
        with pytest.raises(Unlinked):
            adapter.scan(orphan, 10, ours())
        with pytest.raises(Unlinked):
            adapter.balances([Holding(address("gone"), None)], orphan)


def test_a_node_that_lags_behind_the_cursor_is_left_for_another(  # F37, F38
    start_chain: Any, adapter_of: MakeAdapter, ours: Any, address: Address
) -> None:
    chain = start_chain("evm")
    receiver = address("after the lag")
    start = adapter_of(chain).head().latest
    chain.node.mine(2)
    with FaultProxy(chain.node.rpc_url) as lagging:
        frozen = chain.node.rpc.call("eth_getBlockByNumber", "latest", False)
        lagging.on_call = lambda call: _as_of(call, frozen)
        alone, both = adapter_of(chain, [lagging.url]), adapter_of(chain, [lagging.url, chain.node.rpc_url])
        chain.pay("USDT", receiver, 5)
        newest = adapter_of(chain).head().latest
        chain.pay("USDT", receiver, 6)
        with pytest.raises(NodeUnavailable, match="lags behind"):
            alone.scan(newest.ref, 10, ours(receiver))
        assert [each.amount for each in ours(receiver).transfers(both, newest.ref)] == [6]
        assert both.health()[0].failures == 1
    assert start.height < newest.height


def test_a_node_that_numbers_a_block_wrongly_is_left_for_another(  # F41
    start_chain: Any, adapter_of: MakeAdapter, ours: Any, address: Address
) -> None:
    chain = start_chain("evm")
    receiver = address("after the wrong number")
    for native in (True, False):
        start = adapter_of(chain).head().latest
        chain.pay("USDT", receiver, 5)
        chain.node.mine(2)
        with FaultProxy(chain.node.rpc_url) as wrong:
            wrong.on_call = partial(_misnumbered, chain, start.height + 2)
            both = adapter_of(chain, [wrong.url, chain.node.rpc_url], watch_native=native)
            both.head()
            page = both.scan(start.ref, 10, ours(receiver))
        assert [header.height for header in page.headers] == [start.height + n for n in (1, 2, 3)]
        assert both.health()[0].failures == 1


def _misnumbered(chain: Any, height: int, call: JsonCall) -> Answered | None:
    """What a node says that gives a block the number of a far one."""
    if call["method"] != "eth_getBlockByNumber" or call["params"][0] != hex(height):
        return None
    block = chain.node.rpc.call("eth_getBlockByNumber", *call["params"])
    return Answered({**block, "number": hex(height + 5)})


def _as_of(call: JsonCall, latest: Any) -> Answered | None:
    """What a node says that stopped at a block."""
    if call["method"] != "eth_getBlockByNumber":
        return None
    asked = call["params"][0]
    if asked == "latest":
        return Answered(latest)
    return Answered(None) if int(asked, 16) > int(latest["number"], 16) else None
