"""What contracts send is promised of a page by what its node has told; if it may hide some, balances are looked at."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from cloudpay.chains.errors import NodeUnavailable, UnusableTable
from cloudpay.chains.nodes.faults import AskedTooOften
from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import BlockRef, Capability
from cloudpay_tron.adapter import TronAdapter
from cloudpay_tron.internals import hides_internals
from cloudpay_tron.node import Node

ONE, TWO = "http://127.0.0.1:9", "http://127.0.0.1:10"
MANY = 200
Told = Callable[[int], Any]


def info(height: int, number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"{height:032x}{number:032x}", "blockNumber": height, **more}


def quiet(height: int) -> list[dict[str, Any]]:
    """One transaction, and no contract."""
    return [info(height, 0)]


def hiding(calls: int = 1) -> Told:
    ran = {"receipt": {"result": "SUCCESS"}}
    return lambda height: [info(height, number, **ran) for number in range(calls)]


def telling(height: int) -> list[dict[str, Any]]:
    inner = {"caller_address": "41" + "aa" * 20, "transferTo_address": "41" + "bb" * 20}
    return [info(height, 0, receipt={"result": "SUCCESS"}, internal_transactions=[inner])]


class Nodes:
    """What each address answers: blocks up to 50, and their results as `told` says; None is a node that is down."""

    def __init__(self, scripted: Any, headers: Callable[..., Any]) -> None:
        self._scripted, self._headers = scripted, headers
        self.told: dict[str, Told | None] = {}

    def post(self, node: Node, url: str, body: str, calls: int) -> bytes:
        base = next(each for each in (TWO, ONE) if url.startswith(f"{each}/"))
        told = self.told[base]
        if told is None:
            raise AskedTooOften("HTTP 503")
        script = self._scripted(self._script(told))
        return cast("bytes", script.post(url.replace(base, "http://node.test"), body, calls))

    def _script(self, told: Told) -> dict[str, Any]:
        def blocks(asked: dict[str, Any]) -> dict[str, Any]:
            return {"block": [block(each) for each in range(asked["startNum"], asked["endNum"])]}

        def block(height: int) -> dict[str, Any]:
            results = told(height)
            ids = [each["id"] for each in results] if isinstance(results, list) else []
            sent = [
                {"txID": each, "raw_data": {"contract": [{"type": "VoteWitnessContract"}]}} for each in ids
            ]
            return {**self._headers(height), "transactions": sent}

        return {
            "wallet/getblock": lambda asked: self._headers(int(asked.get("id_or_num", 50))),
            "walletsolidity/getblock": self._headers(30),
            "wallet/getblockbylimitnext": blocks,
            "wallet/gettransactioninfobyblocknum": lambda asked: told(asked["num"]),
        }


def told_by(nodes: Nodes) -> Callable[..., bytes]:
    """A method for every node: a bound one would not be told which node it is."""

    def post(node: Node, url: str, body: str, calls: int) -> bytes:
        return nodes.post(node, url, body, calls)

    return post


@pytest.fixture
def nodes(scripted: Any, headers: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Nodes:
    told = Nodes(scripted, headers)
    monkeypatch.setattr(Node, "post", told_by(told))
    return told


@pytest.fixture
def adapter(nodes: Nodes, headers: Callable[..., Any]) -> TronAdapter:
    """Two nodes, the second a standby."""
    table = {
        "rpc_urls": [ONE, TWO],
        "genesis": headers(0)["blockID"],
        "assets": {"USDT": False, "USDD": False},
    }
    return cast("TronAdapter", load_chains({"tron": table}, "tron").adapter("tron"))


@pytest.fixture
def traced(adapter: TronAdapter, ids: Callable[..., str]) -> Callable[[int], bool]:
    """Reads a page of one block, and says whether what contracts sent was promised of it."""

    def read(height: int) -> bool:
        assert len(adapter.scan(BlockRef(height - 1, ids(height - 1)), 1, frozenset).headers) == 1
        return Capability.TRACES in adapter.capabilities

    return read


def rested(adapter: TronAdapter) -> None:
    """Have a minute pass."""
    later = adapter.nodes.clock() + 60
    adapter.nodes.clock = lambda: later


def test_a_standby_that_was_down_at_the_start_promises_nothing_that_it_may_hide(
    adapter: TronAdapter, nodes: Nodes, traced: Callable[[int], bool]
) -> None:
    nodes.told = {ONE: telling, TWO: None}
    adapter.verify()
    assert traced(8)
    nodes.told = {ONE: None, TWO: hiding()}
    rested(adapter)
    assert not traced(9), "money of a contract may be missing from this page"
    nodes.told[TWO] = quiet
    assert traced(10), "no contract ran, so that none sent anything"
    nodes.told[TWO] = telling
    assert traced(11)
    nodes.told[TWO] = hiding()
    assert traced(12), "it tells what contracts send, and this one sent nothing"


def test_a_node_is_held_against_its_word_anew_after_each_failure(
    adapter: TronAdapter, nodes: Nodes, traced: Callable[[int], bool]
) -> None:
    nodes.told = {ONE: telling, TWO: None}
    assert traced(8)
    nodes.told[ONE] = None
    with pytest.raises(NodeUnavailable):
        traced(9)
    nodes.told[ONE] = hiding()
    rested(adapter)
    assert not traced(9), "another may stand in its place since"


def test_a_node_that_hides_what_contracts_send_is_left_for_one_that_answers(
    adapter: TronAdapter, nodes: Nodes, traced: Callable[[int], bool]
) -> None:
    nodes.told = {ONE: None, TWO: hiding(MANY)}
    assert not traced(8)
    nodes.told[ONE] = telling
    rested(adapter)
    adapter.header_at(7)
    adapter.nodes.check_all()
    assert not traced(9), "this page is still the one's that hides them"
    assert traced(10)


def test_without_internal_transfers_nothing_is_promised(
    nodes: Nodes, headers: Callable[..., Any], ids: Callable[..., str]
) -> None:
    nodes.told = {ONE: telling}
    table = {"rpc_urls": [ONE], "genesis": headers(0)["blockID"], "assets": {"USDT": False, "USDD": False}}
    table["internal_transfers"] = False
    adapter = load_chains({"tron": table}, "tron").adapter("tron")
    adapter.scan(BlockRef(7, ids(7)), 1, frozenset)
    assert Capability.TRACES not in adapter.capabilities


@pytest.mark.parametrize(
    "fault", [AskedTooOften("HTTP 429"), {"Error": "this API is unavailable due to config"}]
)
@pytest.mark.parametrize("judged", [ONE, TWO])
def test_a_node_that_cannot_be_judged_at_the_start_does_not_stop_it(
    adapter: TronAdapter, nodes: Nodes, fault: Any, judged: str
) -> None:
    nodes.told = {each: telling if each == judged else lambda _: fault for each in (ONE, TWO)}
    adapter.verify()
    assert sorted(each.failures for each in adapter.health()) == [0, 1]


@pytest.mark.parametrize(
    "fault", [AskedTooOften("HTTP 429"), {"Error": "this API is unavailable due to config"}]
)
def test_a_start_at_which_no_node_can_be_judged_is_made_again(
    adapter: TronAdapter, nodes: Nodes, fault: Any
) -> None:
    nodes.told = dict.fromkeys((ONE, TWO), lambda _: fault)
    with pytest.raises(NodeUnavailable, match=r"HTTP 429|unavailable due to config"):
        adapter.verify()


def test_a_node_that_hides_internal_transactions_stops_the_start(adapter: TronAdapter, nodes: Nodes) -> None:
    nodes.told = {ONE: telling, TWO: hiding(MANY)}
    with pytest.raises(UnusableTable, match=r"127.0.0.1:10 tells no internal transactions"):
        adapter.verify()


def test_a_limit_in_the_middle_of_the_look_ends_it_with_what_was_seen(
    scripted: Any, headers: Callable[..., Any]
) -> None:
    def limited(calls: int) -> Node:
        def told(asked: dict[str, Any]) -> Any:
            return hiding(calls)(asked["num"]) if asked["num"] < 45 else AskedTooOften("HTTP 429")

        script = {"wallet/getblock": headers(50), "wallet/gettransactioninfobyblocknum": told}
        return cast("Node", scripted(script))

    assert hides_internals(limited(MANY))
    assert not hides_internals(limited(1))
