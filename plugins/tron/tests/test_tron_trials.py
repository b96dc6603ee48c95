"""What a node says of a transfer that is tried out: whether the chain refuses it, or the node cannot tell."""

from typing import Any

import pytest

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.spending import FeeTier, Prepared, Refusal, Spend, SpendContext
from cloudpay_tron.drafts import Drafter
from cloudpay_tron.nodes import Nodes
from cloudpay_tron.sending import SendingHalf
from cloudpay_tron.settings import TronSettings
from cloudpay_tron.trials import estimate

ANY = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"
SPEND = Spend("spd_1", ANY, ANY, ANY, 5)
MACHINE = "class org.tron.core.vm.program.Program$"


def told(code: str, message: str) -> dict[str, Any]:
    return {"wallet/triggerconstantcontract": {"result": {"code": code, "message": message.encode().hex()}}}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("OTHER_ERROR", MACHINE + "OutOfTimeException : CPU timeout for 'SWAP1' operation executing"),
        ("OTHER_ERROR", MACHINE + "OutOfMemoryException : Out of Memory"),
        ("OTHER_ERROR", MACHINE + "JVMStackOverFlowException : StackOverflowError"),
        ("OTHER_ERROR", "class java.lang.NullPointerException : null"),
        ("CONTRACT_VALIDATE_ERROR", "this node does not support constant"),
        ("CONTRACT_VALIDATE_ERROR", "No contract or not a valid smart contract"),
    ],
)
def test_f41_what_a_node_cannot_try_is_no_refusal(scripted: Any, code: str, message: str) -> None:
    with pytest.raises(NodeFault):
        estimate(scripted(told(code, message)), SPEND)


@pytest.mark.parametrize("name", ["OutOfEnergy", "IllegalOperation", "BadJumpDestination", "StackTooLarge"])
def test_what_the_virtual_machine_cannot_carry_out_is_refused(scripted: Any, name: str) -> None:
    text = f"{MACHINE}{name}Exception : so it is"
    assert estimate(scripted(told("OTHER_ERROR", text)), SPEND).refusal == text


def test_f43_where_two_nodes_are_named_both_must_refuse(
    scripted: Any, headers: Any, ids: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [scripted({"wallet/getblock": headers(0)}) for _ in range(2)]
    for number, node in enumerate(nodes):
        node.name = f"node {number}"
    says: dict[str, Any] = {}

    def prepare(_: Drafter, node: Any, spends: Any, __: SpendContext) -> Prepared:
        if isinstance(says[node.name], Exception):
            raise says[node.name]
        return Prepared((), tuple(Refusal(each.id, says[node.name]) for each in spends if says[node.name]))

    monkeypatch.setattr(Drafter, "prepare", prepare)
    context = SpendContext(FeeTier.MEDIUM, 10**9, {}, ANY)

    def refused(first: str, second: str | Exception) -> tuple[Refusal, ...]:
        says.update({"node 0": first, "node 1": second})
        half = SendingHalf(Nodes("tron", ids(0), nodes), TronSettings(genesis=ids(0)))
        return half.prepare([SPEND], context).refused

    assert refused("paused", "paused") == (Refusal("spd_1", "paused"),)
    assert refused("paused", "") == ()
    assert refused("paused", NodeFault("it is down")) == (), "one node alone was believed"
