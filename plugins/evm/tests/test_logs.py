"""Logs by range and by block: refusals that halve, and empty answers that are not believed (F37, F40)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloudpay.chains.errors import NodeUnavailable, Unlinked
from cloudpay.chains.types import BlockRef
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.contracts import call_data
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall
from cloudpay_devnet.faultproxy.faults.limits import WORDS, RangeLimit

MakeAdapter = Any
Address = Callable[[str], str]

BLOCKS = 24
# As hosts and clients have said it.
REFUSALS = [
    {"code": -32005, "message": "query returned more than 10000 results"},
    {"code": -32000, "message": "exceed maximum block range: 5"},
    {
        "code": -32602,
        "message": "Log response size exceeded. You can make eth_getLogs requests with up to a 2K range",
    },
    {"code": -32600, "message": "You can make eth_getLogs requests with up to a 5 block range"},
    {
        "code": -32701,
        "message": "Please specify an address in your request or, reduce the range, max 1k blocks",
    },
    {"code": -32005, "message": "limit exceeded"},
    {"code": -32000, "message": "query timeout exceeded"},
]


class Deep:
    """A chain with a payment in every third of its final blocks."""

    def __init__(self, chain: DevChain, start: BlockRef, receiver: str, amounts: list[int]) -> None:
        self.chain, self.start, self.receiver, self.amounts = chain, start, receiver, amounts


@pytest.fixture(scope="module")
def deep() -> Iterator[Deep]:
    with DevChain.start("evm") as chain:
        receiver = "0x" + "77" * 20
        height = chain.node.block_number()
        start = BlockRef(height, chain.node.block_hash(height))
        amounts = []
        for number in range(1, BLOCKS + 1):
            if number % 3 == 0:
                chain.pay("USDT", receiver, number)
                amounts.append(number)
            else:
                chain.node.mine()
        chain.node.mine(chain.spec.confirmations + 4)
        yield Deep(chain, start, receiver, amounts)


@pytest.fixture
def front(deep: Deep) -> Iterator[FaultProxy]:
    """A proxy in front of that chain."""
    with FaultProxy(deep.chain.node.rpc_url) as proxy:
        yield proxy


def span(call: JsonCall) -> int:
    """How many blocks a call for logs asks for; 0 for another call, or one by hash."""
    if call["method"] != "eth_getLogs" or "fromBlock" not in call["params"][0]:
        return 0
    asked = call["params"][0]
    return int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) + 1


@pytest.mark.parametrize("native", [False, True], ids=["tokens", "native too"])
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal["message"][:30])
def test_a_range_that_is_refused_is_halved_and_nothing_is_lost(
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any, refusal: Any, native: bool
) -> None:
    front.on_call = lambda call: Answered(error=refusal) if span(call) > 5 else None
    adapter = adapter_of(deep.chain, [front.url], watch_native=native, traces="off")
    found = ours(deep.receiver).transfers(adapter, deep.start)
    assert [each.amount for each in found] == deep.amounts
    spans = [span(call) for call in front.calls if span(call)]
    refused = [each for each in spans if each > 5]
    assert refused and refused == sorted(set(refused), reverse=True), (
        "a size that was refused was tried again"
    )
    assert adapter.health()[0].failures == 0, "a refused range is no failure of the node"


def test_ranges_are_halved_down_to_one_block_and_that_is_asked_by_its_hash(
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any
) -> None:
    front.on_call = lambda call: Answered(error=REFUSALS[0]) if span(call) else None
    adapter = adapter_of(deep.chain, [front.url], watch_native=False)
    found = ours(deep.receiver).transfers(adapter, deep.start, limit=8)
    assert [each.amount for each in found] == deep.amounts
    assert 1 in {span(call) for call in front.calls}


@pytest.mark.parametrize("provider", WORDS)
def test_f40_a_range_is_halved_in_whatever_words_it_is_refused(
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any, provider: str
) -> None:
    front.switch_on(RangeLimit(blocks=1, provider=provider))
    adapter = adapter_of(deep.chain, [front.url], watch_native=False)
    found = ours(deep.receiver).transfers(adapter, deep.start, limit=20)
    assert [each.amount for each in found] == deep.amounts
    assert {10, 5, 2, 1} <= {span(call) for call in front.calls}
    assert adapter.health()[0].failures == 0, "a refused range is no failure of the node"


def test_catching_up_by_ranges_costs_a_fraction_of_reading_block_by_block(
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any
) -> None:
    adapter = adapter_of(deep.chain, [front.url], watch_native=False)
    page = adapter.scan(deep.start, BLOCKS, ours(deep.receiver))
    assert [each.amount for each in page.transfers] == deep.amounts
    assert not page.linked and page.headers[-1].height == deep.start.height + BLOCKS
    assert {each.block.height for each in page.transfers} <= {header.height for header in page.headers}
    assert adapter.rpc_calls < BLOCKS, front.methods()


@pytest.mark.parametrize("native", [False, True], ids=["tokens", "native too"])
def test_an_empty_answer_that_the_blooms_contradict_moves_no_cursor(  # F37
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any, native: bool
) -> None:
    front.on_call = lambda call: Answered([]) if call["method"] == "eth_getLogs" else None
    adapter = adapter_of(deep.chain, [front.url], watch_native=native, traces="off")
    tip = deep.start.height + BLOCKS
    for after in (deep.start, BlockRef(tip - 1, deep.chain.node.block_hash(tip - 1))):
        for limit in (BLOCKS, 1):  # by a range and by hash; the last block has a payment
            if after is deep.start and limit == 1:
                continue  # that block is truly empty
            with pytest.raises(NodeUnavailable, match=r"fewer logs|left out"):
                adapter_of(deep.chain, [front.url], watch_native=native, traces="off").scan(
                    after, limit, ours()
                )
    both = adapter_of(deep.chain, [front.url, deep.chain.node.rpc_url], watch_native=native, traces="off")
    found = ours(deep.receiver).transfers(both, deep.start)
    assert [each.amount for each in found] == deep.amounts
    assert both.health()[0].failures == 1 and adapter.health()[0].failures == 0


def test_a_range_whose_end_was_cut_off_moves_no_cursor(  # F37
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any
) -> None:
    cut = deep.start.height + BLOCKS // 2

    def half(call: JsonCall) -> Answered | None:
        if not span(call):
            return None
        logs: Any = deep.chain.node.rpc.call(call["method"], *call["params"])
        return Answered([log for log in logs if int(log["blockNumber"], 16) <= cut])

    front.on_call = half
    adapter = adapter_of(deep.chain, [front.url], watch_native=False)
    with pytest.raises(NodeUnavailable, match="left out"):
        adapter.scan(deep.start, BLOCKS, ours(deep.receiver))


def test_a_bloom_that_is_full_by_chance_stops_nothing(
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any, start_chain: Any, address: Address
) -> None:
    chain = start_chain("evm")
    token = str(chain.asset("USDT").token_address)
    start = adapter_of(chain).head().latest.ref
    # An approval puts the contract into the bloom; a stranger's Transfer the topic: together they look like a payment.
    stranger = chain.deploy_token(type(chain.spec.tokens[0])("X", "Stranger", 6), "bloom")
    chain.node.set_automine(False)
    for to, data in (
        (token, call_data("approve(address,uint256)", address("spender"), 1)),
        (stranger, call_data("transfer(address,uint256)", address("somebody"), 1)),
    ):
        request = {"from": chain.payer.address, "to": to, "data": data, "gas": hex(150_000)}
        chain.node.rpc.call("eth_sendTransaction", request)
    chain.node.mine(12)
    for limit in (1, 12):
        adapter = adapter_of(chain, watch_native=False)
        assert ours().transfers(adapter, start, limit) == []
        assert adapter.health()[0].failures == 0


def test_a_range_from_a_block_that_was_replaced_is_unlinked(
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any
) -> None:
    for native in (True, False):
        adapter = adapter_of(deep.chain, [front.url], watch_native=native, traces="off")
        with pytest.raises(Unlinked):
            adapter.scan(BlockRef(deep.start.height, "0x" + "ab" * 32), BLOCKS, ours())


def test_logs_of_a_replaced_block_are_never_taken_for_the_new_one(
    deep: Deep, front: FaultProxy, adapter_of: MakeAdapter, ours: Any
) -> None:
    def other_block(call: JsonCall) -> Answered | None:
        if call["method"] != "eth_getLogs":
            return None
        logs: Any = deep.chain.node.rpc.call(call["method"], *call["params"])
        return Answered([{**log, "blockHash": "0x" + "ab" * 32} for log in logs])

    front.on_call = other_block
    adapter = adapter_of(deep.chain, [front.url], watch_native=False)
    for limit in (3, BLOCKS):
        with pytest.raises(NodeUnavailable):
            adapter_of(deep.chain, [front.url], watch_native=False).scan(
                deep.start, limit, ours(deep.receiver)
            )
    assert adapter.health()[0].failures == 0
