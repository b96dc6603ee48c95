"""Nodes over HTTP: addresses with a path, keys, errors, failover, no node of another chain."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from cloudpay.chains.adapter import ChainAdapter, NodeState
from cloudpay.chains.errors import BlockPassed, NodeUnavailable, WrongChain
from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import Holding
from cloudpay_devnet.tron.node import TronNode
from cloudpay_tron import calls
from cloudpay_tron.adapter import TronAdapter
from cloudpay_tron.errors import Refused
from cloudpay_tron.internals import hides_internals
from cloudpay_tron.node import Node

URL = "https://provider.example/v1/secret"


@pytest.fixture(scope="module")
def chain() -> Iterator[TronNode]:
    with TronNode.start() as node:
        yield node


def open_adapter(*urls: str, genesis: str = "", **more: Any) -> ChainAdapter:
    table = {"rpc_urls": list(urls), "assets": {"USDT": False, "USDD": False}, **more}
    if genesis:
        table["genesis"] = genesis
    return load_chains({"tron": table}, "tron").adapter("tron")


def genesis_of(chain: TronNode) -> str:
    return str(chain.call("wallet/getblock", id_or_num="0", detail=False)["blockID"])


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_path_in_the_address_is_kept_with_a_slash_and_without(
    slash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def post(self: Node, url: str, body: str, calls_: int) -> bytes:
        asked.append(url)
        return b"{}"

    monkeypatch.setattr(Node, "post", post)
    node = Node(URL + slash, "provider.example", timeout=1, key=None)
    assert node.header() is None
    assert asked == [f"{URL}/wallet/getblock"]


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_a_query_in_the_address_goes_behind_every_path(chain: TronNode, path: str) -> None:
    asked: list[str] = []

    class Listening(Node):
        def post(self, url: str, body: str, calls: int) -> bytes:
            asked.append(url)
            return b"{}"

    node = Listening(f"https://p.example{path}?apikey=a/b&x=1", "p.example", timeout=1, key=None)
    node.header()
    node.header(solid=True)
    below = path.rstrip("/")
    assert asked == [
        f"https://p.example{below}/{kind}/getblock?apikey=a/b&x=1" for kind in ("wallet", "walletsolidity")
    ]
    assert "a/b" not in node.veil.over("https://p.example/wallet/getblock?apikey=a/b&x=1 says no")
    adapter = open_adapter(f"{chain.url}?apikey=secret", genesis=genesis_of(chain))
    assert adapter.head().latest.height >= 1
    adapter.close()


def test_the_key_goes_in_a_header_of_its_own_and_is_never_another_ones() -> None:
    node = Node(URL, "provider.example", timeout=1, key=("TRON-PRO-API-KEY", "mine"))
    assert node._session.headers["TRON-PRO-API-KEY"] == "mine"
    without = Node(URL, "provider.example", timeout=1, key=None)
    assert "TRON-PRO-API-KEY" not in without._session.headers


def test_names_and_health_do_not_show_what_may_be_a_key() -> None:
    adapter = open_adapter(URL, URL + "2")
    assert [each.node for each in adapter.health()] == ["provider.example", "provider.example (2)"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"Error": "class java.lang.NullPointerException : null"}, Refused),
        ({"Error": "this API is unavailable due to config"}, Refused),
        ({"Error": "class x : lack of computing resources"}, NodeFault),
        ({"Error": "The key exceeds the frequency limit(15)"}, NodeFault),
        ("<html>", NodeFault),
        ("[1]", NodeFault),
        ('{"blockID": 7}', NodeFault),
        ("", NodeFault),
    ],
)
def test_what_is_no_answer_is_told_apart_from_a_nodes_own_error(
    scripted: Any, answer: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        scripted({"wallet/getblock": answer}).ask(calls.header())


def test_f41_a_node_that_fails_hands_over_to_the_next_and_rests(chain: TronNode) -> None:
    adapter = open_adapter("http://127.0.0.1:9", chain.url, genesis=genesis_of(chain))
    assert adapter.head().latest.height >= 1
    resting, up = adapter.health()
    assert (resting.state, resting.failures, up.state) == (NodeState.RESTING, 1, NodeState.UP)
    adapter.close()


@pytest.mark.parametrize("kind", ["hang_up", "status", "json_status", "html", "cut", "empty"])
def test_f41_a_node_that_answers_badly_is_no_empty_chain(chain: TronNode, kind: str) -> None:
    adapter = open_adapter(chain.url, genesis=genesis_of(chain))
    chain.fault(kind)
    try:
        with pytest.raises(NodeUnavailable):
            adapter.scan(None, 10, frozenset)
    finally:
        chain.heal()
        adapter.close()


def test_f42_a_node_of_another_chain_is_neither_read_nor_hidden(chain: TronNode) -> None:
    adapter = open_adapter(chain.url)  # the main net's first block
    with pytest.raises(
        WrongChain, match=r"first block .* Correct rpc_urls or genesis of \[networks\."
    ) as raised:
        adapter.verify()
    assert "chain_id" not in str(raised.value), "a table of this family has no such key"
    with pytest.raises(WrongChain):
        adapter.head()
    adapter.close()


def test_a_node_hides_internal_transactions_that_tells_of_many_calls_and_of_none_of_them(
    scripted: Any, headers: Callable[..., Any]
) -> None:
    ran = {"id": "ee" * 32, "receipt": {"result": "SUCCESS"}}
    many = scripted({"wallet/getblock": headers(50), "wallet/gettransactioninfobyblocknum": [ran] * 50})
    assert hides_internals(many)
    shown = {**ran, "internal_transactions": [{"caller_address": "41" + "aa" * 20}]}
    told = scripted(
        {"wallet/getblock": headers(50), "wallet/gettransactioninfobyblocknum": [ran] * 49 + [shown]}
    )
    assert not hides_internals(told)
    quiet = scripted({"wallet/getblock": headers(50), "wallet/gettransactioninfobyblocknum": [ran]})
    assert not hides_internals(quiet), "a quiet chain says nothing"


def test_f43_a_node_whose_head_stands_still_is_left_for_one_that_is_ahead(chain: TronNode) -> None:
    with TronNode.start(port=0) as other:
        other.set_block_time(None)
        chain.set_block_time(None)
        genesis = genesis_of(chain)
        assert genesis_of(other) == genesis, "both are the same chain"
        adapter = cast("TronAdapter", open_adapter(other.url, chain.url, genesis=genesis, confirmations=1))
        now = adapter.nodes.clock()
        adapter.nodes.clock = lambda: now
        assert adapter.head().node == adapter.health()[0].node
        chain.mine(30)
        now += 61
        head = adapter.head()
        assert head.node == adapter.health()[1].node
        assert adapter.health()[0].state is NodeState.LAGGING
        told = adapter.second_opinions([head.latest.ref])
        assert set(told) == {head.latest.ref}
        adapter.close()


def test_a_block_that_was_passed_is_told_as_such_and_the_node_does_not_rest_for_it(chain: TronNode) -> None:
    adapter = open_adapter(chain.url, genesis=genesis_of(chain))
    holding, passed = Holding(chain.accounts[0].base58, None), adapter.head().latest.ref
    chain.mine()
    with pytest.raises(BlockPassed, match=f"gone on since block {passed.height}"):
        adapter.balances([holding], passed)
    [health] = adapter.health()
    assert (health.state, health.failures) == (NodeState.UP, 0)
    assert adapter.balances([holding], adapter.head().latest.ref)[holding] > 0
