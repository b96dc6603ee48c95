"""A node that limits how often it is asked is read in pieces: what it has told is kept, and it is let rest."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from cloudpay.chains.adapter import NodeState
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.nodes.faults import AskedTooOften, BlockVanished, NodeFault
from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import BlockRef
from cloudpay_tron import calls
from cloudpay_tron.adapter import TronAdapter
from cloudpay_tron.node import Node
from cloudpay_tron.scan import Scanner
from cloudpay_tron.transfers import BlockReader

URL = "http://127.0.0.1:9"
SENT = {"raw_data": {"contract": [{"type": "VoteWitnessContract"}]}, "ret": [{"contractRet": "SUCCESS"}]}
Fail = Callable[[int], Exception | None]


@pytest.fixture
def chain(headers: Callable[..., Any], ids: Callable[..., str]) -> Callable[[Fail], dict[str, Any]]:
    """Twenty blocks with a transaction each, whose results fail as `fail` says of their heights."""

    def script(fail: Fail) -> dict[str, Any]:
        def blocks(asked: dict[str, Any]) -> dict[str, Any]:
            wanted = range(asked["startNum"], asked["endNum"])
            return {"block": [{**headers(each), "transactions": [sent(each)]} for each in wanted]}

        def sent(height: int) -> dict[str, Any]:
            return {**SENT, "txID": f"{height:064x}"}

        def infos(asked: dict[str, Any]) -> Any:
            height = asked["num"]
            return fail(height) or [{"id": f"{height:064x}", "blockNumber": height}]

        def block(asked: dict[str, Any]) -> Any:
            return headers(int(asked.get("id_or_num", 20)))

        return {
            "wallet/getblock": block,
            "walletsolidity/getblock": headers(1),
            "wallet/getblockbylimitnext": blocks,
            "wallet/gettransactioninfobyblocknum": infos,
        }

    return script


def from_eight(error: Exception) -> Fail:
    return lambda height: error if height >= 8 else None


@pytest.mark.parametrize("error", [AskedTooOften("HTTP 429"), NodeFault("it broke off")])
def test_f41_a_fault_within_a_page_leaves_the_blocks_before_it(
    scripted: Any, chain: Any, ids: Callable[..., str], error: NodeFault
) -> None:
    scanner = Scanner(BlockReader([], internal=True))
    found = scanner.read(scripted(chain(from_eight(error))), BlockRef(4, ids(4)), 10, frozenset, None)
    assert [each.height for each in found.page.headers] == [5, 6, 7]
    assert found.fault is error
    assert [each.height for each in found.results] == [5, 6, 7]


@pytest.mark.parametrize(("error", "after"), [(AskedTooOften("HTTP 429"), 7), (BlockVanished(8), 4)])
def test_f41_a_page_of_which_nothing_holds_is_a_fault(
    scripted: Any, chain: Any, ids: Callable[..., str], error: NodeFault, after: int
) -> None:
    scanner = Scanner(BlockReader([], internal=True))
    with pytest.raises(type(error)):
        scanner.read(scripted(chain(from_eight(error))), BlockRef(after, ids(after)), 10, frozenset, None)


def test_a_limit_halves_the_pages_of_this_node_alone(
    scripted: Any, chain: Any, ids: Callable[..., str]
) -> None:
    scanner = Scanner(BlockReader([], internal=True))
    limited, other = scripted(chain(from_eight(AskedTooOften("HTTP 429")))), scripted(chain(lambda _: None))
    other.name = "other.test"
    for node in (limited, limited, other):
        try:
            scanner.read(node, BlockRef(4, ids(4)), 10, frozenset, None)
        except AskedTooOften:
            continue
    asked = [
        [given["endNum"] - given["startNum"] for path, given in node.asked if path.endswith("limitnext")]
        for node in (limited, other)
    ]
    assert asked == [[10, 5], [10]]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("The key exceeds the frequency limit(15), and the query server is suspended for 30 s", 30.0),
        ("class x : lack of computing resources", None),
    ],
)
def test_a_limit_that_is_told_in_words_is_kept_to(scripted: Any, told: str, seconds: float | None) -> None:
    with pytest.raises(AskedTooOften) as raised:
        scripted({"wallet/getblock": {"Error": told}}).ask(calls.header())
    assert raised.value.retry_after == seconds


def test_a_node_that_cut_a_page_short_rests_as_long_as_it_asked_for(
    chain: Any, scripted: Any, headers: Callable[..., Any], ids: Callable[..., str], monkeypatch: Any
) -> None:
    told = scripted(chain(from_eight(AskedTooOften("HTTP 429", 40.0))))
    table = {"rpc_urls": [URL], "genesis": headers(0)["blockID"], "assets": {"USDT": False, "USDD": False}}
    adapter = cast("TronAdapter", load_chains({"tron": table}, "tron").adapter("tron"))
    now = adapter.nodes.clock()
    adapter.nodes.clock = lambda: now
    monkeypatch.setattr(
        Node, "post", lambda _, url, body, asked: told.post(url.replace(URL, "http://node.test"), body, asked)
    )
    page = adapter.scan(BlockRef(4, ids(4)), 10, frozenset)
    assert [each.height for each in page.headers] == [5, 6, 7]
    [health] = adapter.health()
    assert (health.state, health.rests_for) == (NodeState.RESTING, 40.0)
    with pytest.raises(NodeUnavailable, match="rests after a failure"):
        adapter.scan(page.headers[-1].ref, 10, frozenset)
    now += 41
    told.script.update(chain(lambda _: None))
    assert adapter.scan(page.headers[-1].ref, 100, frozenset).headers[-1].height == 12, "half of it"
    adapter.close()
