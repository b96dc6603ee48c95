"""Several nodes as one: what each way of answering badly leads to (F41, F42)."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from cloudpay.chains.errors import NodeUnavailable, WrongChain
from cloudpay.kernel.db import Database
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall, Raw
from cloudpay_evm.calls import Call, block_at
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.node import Node
from cloudpay_evm.nodes import Nodes
from cloudpay_evm.wire import TEXT

VERSION: Call[str] = Call("web3_clientVersion", (), TEXT)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Pool = Callable[..., tuple[Nodes, Sequence[FaultProxy]]]


@pytest.fixture
def pool(clock: Clock) -> Iterator[Pool]:
    """Make a pool over scripted nodes of chain 7, each of which answers its number."""
    with ExitStack() as stack:

        def make(count: int = 2, batch_size: int = 10) -> tuple[Nodes, Sequence[FaultProxy]]:
            proxies = [stack.enter_context(FaultProxy()) for _ in range(count)]
            for number, proxy in enumerate(proxies):
                proxy.on_call = answering(str(number))
            nodes = [
                Node(proxy.url, f"node {number}", timeout=0.5, batch_size=batch_size)
                for number, proxy in enumerate(proxies)
            ]
            made = Nodes("evm", 7, nodes, clock)
            stack.callback(made.close)
            return made, proxies

        yield make


def answering(text: str, chain: int = 7) -> Callable[[JsonCall], Answered]:
    def answer(call: JsonCall) -> Answered:
        if call["method"] == "eth_getBlockByNumber":
            return Answered(error={"code": -32000, "message": "pruned"})  # no first block to compare
        return Answered(hex(chain) if call["method"] == "eth_chainId" else text)

    return answer


def telling(block: dict[str, str]) -> Callable[[JsonCall], Answered]:
    return lambda call: Answered("0x7" if call["method"] == "eth_chainId" else block)


def version(nodes: Nodes) -> str:
    return nodes.run(lambda node: node.ask(VERSION))


GOOD = json.dumps({"jsonrpc": "2.0", "id": 2, "result": "0"}).encode()

BAD_ANSWERS = {
    "429": Raw(429, b"slow down"),
    "503": Raw(503, b"<h1>maintenance</h1>", {"Retry-After": "9"}),
    "429 for a time that is no number": Raw(429, b"", {"Retry-After": "\u00b2"}),
    "500": Raw(500, b"oops"),
    "403 as JSON": Raw(403, b'{"message": "forbidden"}'),
    "HTML with 200": Raw(200, b"<html>Checking your browser</html>"),
    "empty": Raw(200, b""),
    "JSON cut short": Raw(200, GOOD[:-6]),
    "body cut short": Raw(200, GOOD[:-6], {"Content-Length": str(len(GOOD))}),
    "text in another encoding": Raw(200, b'{"jsonrpc": "2.0", "id": 2, "result": "\xe9"}'),
    "JSON of another kind": Raw(200, b"[1, 2]"),
    "no result": Raw(200, b'{"jsonrpc": "2.0", "id": 2}'),
    "another id": Raw(200, b'{"jsonrpc": "2.0", "id": 77, "result": "0"}'),
    "another type": Raw(200, b'{"jsonrpc": "2.0", "id": 2, "result": {"x": 1}}'),
    "429 until a time of no zone": Raw(429, b"", {"Retry-After": f"Mon, 01 Jan 2024 00:00:00 +{9**99}"}),
    "429 until a year that never comes": Raw(429, b"", {"Retry-After": f"Mon, 01 Jan {9**99} 00:00:00 GMT"}),
    "a redirect": Raw(302, b"", {"Location": "http://127.0.0.1:1/"}),
    "a redirect to no address": Raw(302, b"", {"Location": "http://[::1"}),
    "an error with NUL": Raw(
        200, b'{"jsonrpc": "2.0", "id": 2, "error": {"code": -32000, "message": "\\u0000!"}}'
    ),
    "an error": Raw(200, b'{"jsonrpc": "2.0", "id": 2, "error": {"code": -32000, "message": "no"}}'),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_after_a_bad_answer_the_next_node_is_asked(pool: Pool, bad: Raw) -> None:  # F41
    nodes, (first, _) = pool()
    first.on_request = lambda body: None if b"eth_chainId" in body else bad
    assert version(nodes) == "1"
    health = nodes.health()
    assert health[0].failures == 1 and health[0].score < 100 and health[0].last_error
    assert "\0" not in health[0].last_error, "a database may be unable to keep it"
    assert (health[1].failures, health[1].score, health[1].last_error) == (0, 100, None)


HASH = "0x" + "07" * 32
BAD_BLOCKS = {
    "a time beyond all calendars": {"timestamp": "0xffffffffffffffff"},
    "a time that is no number": {"timestamp": "soon"},
    "a height that no database holds": {"number": "0x" + "f" * 16},
    "a hash that is too long": {"hash": "0x" + "07" * 33},
    "a hash that no column holds": {"hash": "0x" + "07" * 4_000},
    "a hash that is cut off": {"hash": "0x07"},
    "a hash with NUL": {"hash": "0x" + "07" * 31 + "0\0"},
    "a hash with a line break": {"hash": "0x" + "07" * 32 + "\n"},
    "a parent that is no hash": {"parentHash": "genesis"},
}


@pytest.mark.parametrize("bad", BAD_BLOCKS.values(), ids=BAD_BLOCKS)
def test_a_header_that_cannot_be_true_is_the_nodes_fault(pool: Pool, bad: dict[str, str]) -> None:  # F41
    nodes, proxies = pool()
    header = {"number": "0x7", "hash": HASH, "parentHash": HASH, "timestamp": "0x6955b900"}
    for proxy, block in zip(proxies, ({**header, **bad}, header), strict=True):
        proxy.on_call = telling(block)
    read = nodes.run(lambda node: node.ask(block_at("latest")))
    assert read is not None and read.header.height == 7
    assert nodes.health()[0].failures == 1


def test_a_node_that_cuts_connections_or_drips_is_left_in_time(pool: Pool) -> None:
    nodes, (first, second, _) = pool(3)
    first.down = True
    second.on_request = lambda _: Raw(200, GOOD[:5], {"Content-Length": "99"})
    assert version(nodes) == "2"


def test_work_goes_on_with_the_node_that_answered_last(pool: Pool, clock: Clock) -> None:  # F38
    nodes, (first, _) = pool()
    first.down = True
    assert version(nodes) == "1"
    first.down = False
    clock.now += 3_600
    assert version(nodes) == "1", "a head that jumps between nodes looks like a reorganisation"


def test_one_piece_of_work_is_done_by_one_node(pool: Pool) -> None:
    nodes, (first, _) = pool()
    answers = iter([Answered("0x7"), Answered("first half"), Answered(error={"code": 1, "message": "no"})])
    first.on_call = lambda _: next(answers)
    assert nodes.run(lambda node: (node.ask(VERSION), node.ask(VERSION))) == ("1", "1")


def test_a_failing_node_rests_longer_each_time(pool: Pool, clock: Clock) -> None:
    nodes, (only,) = pool(1)
    only.on_request = lambda _: Raw(500)
    waits = []
    for _ in range(8):
        with pytest.raises(NodeUnavailable):
            version(nodes)
        asked, started = len(only.calls), clock.now
        while len(only.calls) == asked:
            clock.now += 0.05
            with pytest.raises(NodeUnavailable):
                version(nodes)
        waits.append(clock.now - started)
    assert waits[0] < 1 and waits[3] > 2 * waits[0] and max(waits) <= 16


def test_retry_after_is_honoured(pool: Pool, clock: Clock) -> None:
    nodes, (only,) = pool(1)
    only.on_request = lambda _: Raw(429, b"", {"Retry-After": "120"})
    with pytest.raises(NodeUnavailable):
        version(nodes)
    only.on_request = lambda _: None
    clock.now += 119
    with pytest.raises(NodeUnavailable, match="rests"):
        version(nodes)
    assert only.methods() == ["eth_chainId"]
    clock.now += 2
    assert version(nodes) == "0"


def test_a_limit_that_is_told_as_an_error_rests_the_node(pool: Pool) -> None:
    nodes, (first, _) = pool()
    limited = {"code": -32005, "message": "daily request count exceeded, request rate limited"}
    first.on_call = lambda call: (
        Answered(error=limited) if call["method"] != "eth_chainId" else Answered("0x7")
    )
    assert version(nodes) == "1"


def test_a_node_of_another_chain_is_out_of_use(pool: Pool) -> None:  # F42
    nodes, (first, second) = pool()
    first.on_call = answering("0", chain=8)
    assert version(nodes) == "1" and version(nodes) == "1"
    assert first.methods() == ["eth_chainId"], "a node of another chain was asked for more than its chain"
    assert nodes.health()[0].score == 0 and "chain 8" in str(nodes.health()[0].last_error)
    with pytest.raises(WrongChain, match="node 0 of evm is on chain 8, not 7"):
        nodes.check_all()
    second.on_call = answering("1", chain=8)
    second.down = True
    with pytest.raises(NodeUnavailable):
        version(nodes)


def test_f41_a_chain_id_of_a_length_that_nobody_writes_is_the_nodes_fault(pool: Pool) -> None:
    nodes, (first, _) = pool()
    first.on_call = lambda _: Answered("0x" + "f" * 4_000)
    assert version(nodes) == "1"
    assert nodes.health()[0].failures == 1


def test_a_node_that_came_back_is_asked_for_its_chain_again(pool: Pool, clock: Clock) -> None:  # F42
    nodes, (only,) = pool(1)
    assert version(nodes) == "0"
    only.down = True
    with pytest.raises(NodeUnavailable):
        version(nodes)
    only.down, only.on_call = False, answering("0", chain=8)
    clock.now += 60
    with pytest.raises(WrongChain):
        version(nodes)


def test_a_batch_that_is_refused_as_such_is_asked_in_smaller_ones(pool: Pool) -> None:
    nodes, (only,) = pool(1)
    refusal = json.dumps(
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
    )

    def at_most_three(body: bytes) -> Raw | None:
        asked = json.loads(body)
        return Raw(200, refusal.encode()) if isinstance(asked, list) and len(asked) > 3 else None

    only.on_request = at_most_three
    assert nodes.run(lambda node: node.ask_all([VERSION] * 25)) == ["0"] * 25
    requests = len(only.calls)
    nodes.run(lambda node: node.ask_all([VERSION] * 6))
    assert len(only.calls) == requests + 6, "the size that works was forgotten"


def test_an_answer_that_misses_a_call_of_a_batch_is_no_answer(pool: Pool) -> None:
    nodes, (first, _) = pool()

    def without_the_last(body: bytes) -> Raw | None:
        asked = json.loads(body)
        if not isinstance(asked, list):
            return None
        return Raw(200, json.dumps([{"id": each["id"], "result": "0"} for each in asked[:-1]]).encode())

    first.on_request = without_the_last
    assert nodes.run(lambda node: node.ask_all([VERSION] * 4)) == ["1"] * 4


def test_calls_are_counted_one_by_one_also_in_batches(pool: Pool) -> None:
    nodes, _ = pool(1)
    nodes.run(lambda node: node.ask_all([VERSION] * 12))
    assert nodes.calls == 2 + 12  # the chain id and the first block, once


def test_no_request_leaves_from_inside_a_transaction(pool: Pool) -> None:
    nodes, (only,) = pool(1)
    database = Database("sqlite://")
    with database.transaction(), pytest.raises(RuntimeError, match="RPC was called inside"):
        version(nodes)
    database.close()
    assert only.calls == []


def test_an_api_key_in_an_address_is_never_told(script: FaultProxy) -> None:  # F98
    script.down = True
    node = Node(f"{script.url}/v3/SECRETKEY", "host", timeout=0.5, batch_size=1)
    with pytest.raises(NodeFault) as raised:
        node.ask(block_at("latest"))
    node.close()
    chain: list[Any] = [raised.value, raised.value.__cause__]
    assert raised.value.__suppress_context__ and "SECRETKEY" not in "".join(str(each) for each in chain)
