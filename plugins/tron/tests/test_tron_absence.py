"""What is in no block: proven by the blocks, from two nodes where there are two."""

from collections.abc import Callable
from typing import Any

import pytest

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.types import BlockRef
from cloudpay_tron.absence import absent
from cloudpay_tron.nodes import Nodes
from cloudpay_tron.sending import SendingHalf
from cloudpay_tron.settings import TronSettings
from cloudpay_tron.transactions import Transaction, encode, reference

OURS = "ab" * 32
NAMED, LAST_CHANCE, FINAL = 70_000, 70_030, 70_050
EXPIRES = 1_000_000 + LAST_CHANCE * 3_000


def millis(height: int) -> int:
    return 1_000_000 + height * 3_000


@pytest.fixture
def node_of(scripted: Any, headers: Any) -> Callable[..., Any]:
    """A node whose blocks are as `bent` has them."""

    def make(**bent: Any) -> Any:
        def told(height: int) -> dict[str, Any]:
            return {**headers(height), **bent.get(f"at_{height}", {})}

        def between(given: dict[str, Any]) -> dict[str, Any]:
            return {"block": [told(each) for each in range(given["startNum"], given["endNum"])]}

        return scripted(
            {
                "wallet/getblock": lambda given: headers(int(given["id_or_num"])),
                "wallet/getblockbylimitnext": between,
            }
        )

    return make


@pytest.fixture
def ask(ids: Any) -> Callable[..., frozenset[str]]:
    """Ask a node for the one transaction."""

    def asked(node: Any, final: int = FINAL) -> frozenset[str]:
        return absent(node, signed(ids), BlockRef(final, ids(final)), lambda: None)

    return asked


def signed(ids: Any) -> dict[str, bytes]:
    number, block_hash = reference(ids(NAMED))
    owner = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"
    return {OURS: encode(Transaction(number, block_hash, EXPIRES, 1, owner, owner, None, 5))}


def holding(tx_id: str) -> dict[str, Any]:
    return {"transactions": [{"txID": tx_id, "raw_data": {}}]}


def test_what_no_block_holds_that_could_is_absent(node_of: Any, ask: Any) -> None:
    node = node_of(at_70010=holding("cd" * 32))
    assert ask(node) == {OURS}
    read = [given for path, given in node.asked if path == "wallet/getblockbylimitnext"]
    assert (read[0]["startNum"], read[-1]["endNum"]) == (NAMED + 1, NAMED + 41), "it reads on for nothing"


@pytest.mark.parametrize("height", [NAMED + 1, LAST_CHANCE])
def test_f70_what_a_block_holds_is_not_absent(node_of: Any, ask: Any, height: int) -> None:
    assert ask(node_of(**{f"at_{height}": holding(OURS)})) == frozenset()


def test_f70_what_may_still_be_included_is_not_absent(node_of: Any, ask: Any) -> None:
    assert ask(node_of(), LAST_CHANCE - 1) == frozenset()
    assert ask(node_of(), LAST_CHANCE) == {OURS}


def test_blocks_without_their_transactions_or_their_parents_prove_nothing(
    node_of: Any, ask: Any, headers: Any
) -> None:
    hollow = headers(70_010)
    hollow["block_header"]["raw_data"]["txTrieRoot"] = "12" * 32
    empty = headers(70_011)
    empty["block_header"]["raw_data"]["txTrieRoot"] = "00" * 32
    assert ask(node_of(at_70011=empty)) == {OURS}
    with pytest.raises(NodeFault, match="without its transactions"):
        ask(node_of(at_70010=hollow))
    with pytest.raises(NodeFault, match="does not follow"):
        ask(node_of(at_70010=headers(70_010, parent="b")))
    with pytest.raises(NodeFault, match="another block"):
        absent(node_of(), {}, BlockRef(FINAL, "0" * 64), lambda: None)


def test_f43_where_two_nodes_are_named_both_must_show_it_absent(node_of: Any, ids: Any) -> None:
    def half(*nodes: Any) -> SendingHalf:
        for number, node in enumerate(nodes):
            node.name = f"node {number}"
        settings = TronSettings(genesis=ids(0))
        return SendingHalf(Nodes("tron", ids(0), nodes), settings)

    final, keep = BlockRef(FINAL, ids(FINAL)), lambda: None
    assert half(node_of()).absent(signed(ids), final, keep) == {OURS}
    assert half(node_of(), node_of()).absent(signed(ids), final, keep) == {OURS}
    forgets, knows = node_of(), node_of(at_70020=holding(OURS))
    assert half(forgets, knows).absent(signed(ids), final, keep) == frozenset()
    down = node_of()
    down.script["wallet/getblockbylimitnext"] = NodeFault("it is down")
    assert half(node_of(), down).absent(signed(ids), final, keep) == frozenset(), (
        "one node alone was believed"
    )
