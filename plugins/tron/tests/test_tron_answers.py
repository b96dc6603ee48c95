"""What is no answer: errors with JSON, a host's own words, trials without a price. None is ever an absence of money."""

from collections.abc import Iterator
from typing import Any

import pytest

from cloudpay.chains.nodes.faults import AskedTooOften, NodeFault
from cloudpay.chains.spending import Spend
from cloudpay.chains.types import TxState
from cloudpay_devnet.tron.node import TronNode
from cloudpay_tron import calls, lookups
from cloudpay_tron.errors import Refused
from cloudpay_tron.node import Node
from cloudpay_tron.trials import estimate

ADDRESS, OTHER = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"
LOOKS: dict[str, calls.Call[Any]] = {
    "the newest block": calls.header(),
    "blocks": calls.blocks(1, 2),
    "results": calls.infos(1),
    "a result": calls.info("ab" * 32),
    "what waits": calls.waiting("ab" * 32),
    "an account": calls.account(ADDRESS),
    "a solid account": calls.account(ADDRESS, solid=True),
    "resources": calls.resources(ADDRESS),
    "a trial": calls.trial(ADDRESS, ADDRESS, b""),
    "prices": calls.PARAMETERS,
}


@pytest.fixture(scope="module")
def chain() -> Iterator[TronNode]:
    with TronNode.start() as node:
        yield node


@pytest.mark.parametrize("call", LOOKS.values(), ids=LOOKS.keys())
@pytest.mark.parametrize(
    "told", [{"message": "Forbidden"}, {"status": "ok"}, {"success": False, "code": "x"}]
)
def test_f41_words_of_a_host_are_never_read_as_something_that_is_not_there(
    scripted: Any, call: calls.Call[Any], told: dict[str, str]
) -> None:
    with pytest.raises(NodeFault, match="shape"):
        scripted({call.path: told}).ask(call)


@pytest.mark.parametrize("name", ["results", "a trial", "prices"])
def test_f41_nothing_is_no_answer_where_there_is_always_one(scripted: Any, name: str) -> None:
    with pytest.raises(NodeFault, match="shape"):
        scripted({LOOKS[name].path: {}}).ask(LOOKS[name])


def test_what_is_not_there_is_told_by_braces_alone(scripted: Any) -> None:
    for told in ("{}", " { }\n"):
        node = scripted({each.path: told for each in LOOKS.values()})
        assert node.header() is None
        assert node.ask(LOOKS["an account"]).address == ""
        assert lookups.statuses(node, ["ab" * 32])["ab" * 32].state is TxState.UNKNOWN


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 502, 504])
def test_f41_an_error_with_json_is_no_account_without_money_and_no_unknown_transaction(
    chain: TronNode, status: int
) -> None:
    node = Node(chain.url, "node", timeout=30, key=None)
    chain.fault("json_status", status=status)
    try:
        for call in LOOKS.values():
            with pytest.raises(NodeFault, match=f"HTTP {status}"):
                node.ask(call)
        with pytest.raises(NodeFault, match=f"HTTP {status}"):
            lookups.statuses(node, ["ab" * 32])
    finally:
        chain.heal()
        node.close()


def test_an_error_status_with_the_nodes_own_error_is_its_refusal_and_a_limit_stays_one(
    chain: TronNode,
) -> None:
    node = Node(chain.url, "node", timeout=30, key=None)
    try:
        chain.fault("error", text="this API is unavailable due to config", status=404, times=1)
        with pytest.raises(Refused, match="unavailable due to config"):
            node.ask(calls.account(ADDRESS))
        chain.fault("error", text="The key exceeds the frequency limit(15)", status=403, times=1)
        with pytest.raises(NodeFault, match="limited or overloaded"):
            node.ask(calls.account(ADDRESS))
        chain.fault("error", text="The key exceeds the frequency limit(15)", status=429, times=1)
        with pytest.raises(AskedTooOften):
            node.ask(calls.account(ADDRESS))
        chain.fault("json_status", status=429, times=1)
        with pytest.raises(AskedTooOften):
            node.ask(calls.account(ADDRESS))
    finally:
        chain.heal()
        node.close()


@pytest.mark.parametrize("energy", [{}, {"energy_used": 0}, {"energy_used": -1}])
def test_a_trial_that_tells_no_energy_never_becomes_a_fee_limit(
    scripted: Any, energy: dict[str, int]
) -> None:
    told = {"result": {"result": True}, "constant_result": [f"{1:064x}"]}
    payment = Spend("spd_1", OTHER, OTHER, ADDRESS, 7)
    with pytest.raises(NodeFault, match="no energy"):
        estimate(scripted({"wallet/triggerconstantcontract": told | energy}), payment)
    whole = scripted({"wallet/triggerconstantcontract": told | {"energy_used": 64_285}})
    assert estimate(whole, payment).energy == 64_285
