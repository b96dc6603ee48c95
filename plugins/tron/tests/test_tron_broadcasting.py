"""What nodes say to a broadcast (faults F52, F53)."""

from typing import Any

import pytest

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.spending import Broadcast, Signed
from cloudpay_tron.broadcasting import broadcast, outcome_of
from cloudpay_tron.nodes import Nodes
from cloudpay_tron.wire import Told

TX = Signed("ab" * 32, b"bytes")


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("DUP_TRANSACTION_ERROR", Broadcast.KNOWN),
        ("TRANSACTION_EXPIRATION_ERROR", Broadcast.REJECTED),
        ("SIGERROR", Broadcast.REJECTED),
        ("CONTRACT_VALIDATE_ERROR", Broadcast.REJECTED),
        ("CONTRACT_EXE_ERROR", Broadcast.REJECTED),
        ("BANDWITH_ERROR", Broadcast.REJECTED),
        ("TAPOS_ERROR", Broadcast.REJECTED),
        ("TOO_BIG_TRANSACTION_ERROR", Broadcast.REJECTED),
        ("SERVER_BUSY", Broadcast.UNKNOWN),
        ("NO_CONNECTION", Broadcast.UNKNOWN),
        ("NOT_ENOUGH_EFFECTIVE_CONNECTION", Broadcast.UNKNOWN),
        ("BLOCK_UNSOLIDIFIED", Broadcast.UNKNOWN),
        ("OTHER_ERROR", Broadcast.UNKNOWN),
        ("SOMETHING_NEW", Broadcast.UNKNOWN),
        ("SUCCESS", Broadcast.UNKNOWN),  # with a result that is false
        ("", Broadcast.UNKNOWN),
    ],
)
def test_f53_each_word_of_a_node_has_its_meaning(code: str, outcome: Broadcast) -> None:
    assert outcome_of(Told(result=False, code=code)) is outcome


def pool(scripted: Any, *answers: Any) -> Nodes:
    nodes = []
    for number, answer in enumerate(answers):
        first = {"blockID": "0" * 64, "block_header": {"raw_data": {}}}
        node = scripted({"wallet/getblock": first, "wallet/broadcasthex": answer})
        node.name = f"node {number}"
        nodes.append(node)
    return Nodes("tron", "0" * 64, nodes)


def test_f52_silence_is_unknown_and_the_next_node_is_given_the_same_bytes(scripted: Any) -> None:
    nodes = pool(scripted, NodeFault("silent"), {"result": True, "txid": TX.tx_id})
    assert [each.outcome for each in broadcast(nodes, [TX])] == [Broadcast.ACCEPTED]
    assert nodes.members[1].node.asked[-1] == ("wallet/broadcasthex", {"transaction": TX.raw.hex()})  # type: ignore[attr-defined]  # a scripted node


def test_f53_what_a_node_has_already_is_in(scripted: Any) -> None:
    nodes = pool(scripted, {"code": "DUP_TRANSACTION_ERROR", "message": b"Dup transaction.".hex()})
    [answer] = broadcast(nodes, [TX])
    assert answer.outcome is Broadcast.KNOWN and "Dup transaction." in answer.reason


def test_f52_where_one_is_silent_and_one_rejects_nothing_is_known(scripted: Any) -> None:
    nodes = pool(scripted, NodeFault("silent"), {"code": "SIGERROR"})
    assert [each.outcome for each in broadcast(nodes, [TX])] == [Broadcast.UNKNOWN]


def test_a_node_that_names_another_transaction_has_not_accepted_ours(scripted: Any) -> None:
    nodes = pool(scripted, {"result": True, "txid": "cd" * 32})
    assert [each.outcome for each in broadcast(nodes, [TX])] == [Broadcast.UNKNOWN]


def test_each_of_many_bytes_has_its_own_answer(scripted: Any) -> None:
    def told(given: dict[str, str]) -> dict[str, Any]:
        return {"result": True} if given["transaction"] == b"good".hex() else {"code": "SIGERROR"}

    nodes = pool(scripted, told)
    signed = [Signed("1", b"bad"), Signed("2", b"good"), Signed("3", b"bad")]
    outcomes = [each.outcome for each in broadcast(nodes, signed)]
    assert outcomes == [Broadcast.REJECTED, Broadcast.ACCEPTED, Broadcast.REJECTED]
