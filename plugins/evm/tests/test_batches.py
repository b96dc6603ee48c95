"""Batches that are too much for a node: halved in whatever way it says so, and larger again later (F40)."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.types import BlockRef, Page
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.faultproxy import Answered, FaultProxy, Raw
from cloudpay_evm.batches import BatchSizes
from cloudpay_evm.calls import Call, block_at, full_block_at
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.node import Node
from cloudpay_evm.wire import TEXT

VERSION: Call[str] = Call("web3_clientVersion", (), TEXT)
MOST = 3
"""Calls that the node bears in one request."""
Refusal = Callable[[list[Any]], Raw | None]


@pytest.fixture
def node(script: FaultProxy) -> Iterator[Node]:
    """A node that answers anything."""
    script.on_call = lambda _: Answered("fine")
    made = Node(script.url, "a node", timeout=0.5, batch_size=10)
    yield made
    made.close()


def beyond(refusal: Refusal) -> Callable[[bytes], Raw | None]:
    """Have batches beyond what the node bears answered so."""

    def answer(body: bytes) -> Raw | None:
        asked = json.loads(body)
        return refusal(asked) if isinstance(asked, list) and len(asked) > MOST else None

    return answer


def told(*answers: Any) -> Raw:
    return Raw(body=json.dumps(list(answers)).encode())


def late(_: list[Any]) -> None:
    threading.Event().wait(0.8)  # more than the node may take


def one_error(asked: list[Any]) -> Raw:
    return told({"id": asked[0]["id"], "error": {"code": -32600, "message": "batch too large"}})


def cut_off(code: int, message: str) -> Refusal:
    """As geth does: what goes beyond its limit is refused call by call."""
    return lambda asked: told(
        *({"id": each["id"], "result": "fine"} for each in asked[:MOST]),
        *({"id": each["id"], "error": {"code": code, "message": message}} for each in asked[MOST:]),
    )


REFUSALS: dict[str, Refusal] = {
    "a list of one error": one_error,
    "HTTP 413": lambda _: Raw(413, b"<html>Request Entity Too Large</html>"),
    "an answer too large": cut_off(-32003, "response too large"),
    "an answer too late": cut_off(-32002, "request timed out"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_f40_a_batch_is_halved_at_once_in_whatever_way_it_is_refused(
    script: FaultProxy, node: Node, refusal: Refusal
) -> None:
    script.on_request = beyond(refusal)
    assert node.ask_all([VERSION] * 25) == ["fine"] * 25


FAULTS: dict[str, Refusal] = {
    "silence": late,
    "HTTP 504": lambda _: Raw(504, b"<html>Gateway Time-out</html>"),
    "HTTP 500": lambda _: Raw(500, b"out of memory"),
    "a list that is too short": lambda asked: told({"id": asked[0]["id"], "result": "fine"}),
    "a body that is cut off": lambda _: Raw(body=b'[{"id": 1, "result"'),
    "words that sound like a limit": lambda _: told(
        {"id": None, "error": {"code": -32005, "message": "at most 3 requests per batch"}}
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_f40_a_batch_that_fails_is_a_smaller_one_at_the_next_try(
    script: FaultProxy, node: Node, fault: Refusal
) -> None:
    script.on_request = beyond(fault)
    for _ in range(2):  # 10, and then 5
        with pytest.raises(NodeFault):
            node.ask_all([VERSION] * 10)
    assert node.ask_all([VERSION] * 10) == ["fine"] * 10


def test_a_single_call_that_is_too_much_stays_refused(script: FaultProxy, node: Node) -> None:
    script.on_call = lambda _: Answered(error={"code": -32003, "message": "response too large"})
    asked = node.try_all([VERSION] * 2)
    assert [str(each) for each in asked] == [
        "The node refused web3_clientVersion with -32003: response too large."
    ] * 2


def test_a_node_that_is_asked_too_often_is_not_asked_in_more_requests(script: FaultProxy, node: Node) -> None:
    script.on_request = lambda _: Raw(429)
    for _ in range(3):
        with pytest.raises(NodeFault):
            node.ask_all([VERSION] * 10)
    sizes: list[int] = []
    script.on_request = lambda body: sizes.append(len(json.loads(body)))
    node.ask_all([VERSION] * 10)
    assert sizes == [10]


def test_only_the_kind_that_is_too_heavy_is_asked_in_smaller_batches() -> None:
    sizes = BatchSizes(20)
    heavy, light = [full_block_at(height) for height in range(30)], [block_at(height) for height in range(30)]
    sizes.failed(heavy[:20])
    assert (len(sizes.first_of(heavy)), len(sizes.first_of(light))) == (10, 20)
    assert len(sizes.first_of([*light[:12], *heavy])) == 12, "what is heavy waits for the next request"
    assert len(sizes.first_of([*light[:3], *heavy])) == 10


def test_larger_batches_are_tried_again_after_many_full_ones_that_left_time() -> None:
    sizes = BatchSizes(20)
    heavy = [full_block_at(height) for height in range(20)]
    sizes.failed(heavy)
    for _ in range(40):
        sizes.worked(heavy[:10], easily=False)
        sizes.worked(heavy[:4], easily=True)
    assert len(sizes.first_of(heavy)) == 10, "neither says that 20 would be answered in time"
    for _ in range(16):
        sizes.worked(heavy[:10], easily=True)
    assert len(sizes.first_of(heavy)) == 20


def test_f40_a_watcher_that_fell_behind_catches_up_though_batches_take_too_long(
    proxy: FaultProxy, evm_chain: DevChain, adapter_of: Any, ours: Any, address: Callable[[str], str]
) -> None:
    adapter = adapter_of(evm_chain, [proxy.url])
    adapter.verify()
    after, receiver = adapter.head().latest.ref, address("far behind")
    evm_chain.pay_through_contract(receiver, 7)
    evm_chain.node.mine(45)
    proxy.on_request = _as_slow_as(blocks=8, traces=4)
    pages: list[int] = []
    paid: list[int] = []

    def read_on(after: BlockRef) -> BlockRef:
        page: Page = adapter.scan(after, 100, ours(receiver))
        pages.append(len(page.headers))
        paid.extend(each.amount for each in page.transfers)
        return page.headers[-1].ref

    tries = 0
    while after.height < adapter.head().latest.height:
        tries += 1
        assert tries < 20, f"it came no further than block {after.height}"
        try:
            after = read_on(after)
        except NodeUnavailable:
            adapter.nodes.members[0].rests_until = 0.0
    assert paid == [7]
    assert max(pages) <= 100 * 5 // 20, "a page takes about as many requests as ever"


def _as_slow_as(*, blocks: int, traces: int) -> Callable[[bytes], Raw | None]:
    """As a gateway before a node that does not manage more in the time it has."""

    def answer(body: bytes) -> Raw | None:
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        full = [each for each in calls if each["params"][-1:] == [True]]
        traced = [each for each in calls if "trace" in each["method"]]
        return Raw(504) if len(full) > blocks or len(traced) > traces else None

    return answer
