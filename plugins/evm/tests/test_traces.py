"""Native money inside contract calls, by both kinds of traces."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from cloudpay.chains.types import Transfer
from cloudpay_devnet.faultproxy import Answered, FaultProxy, Raw
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.node import Node
from cloudpay_evm.traces import Tracer, contract_transfers
from cloudpay_evm.wire import FullBlock

TX, BLOCK = "0x" + "cc" * 32, "0x" + "bb" * 32
A, B, C = ("0x" + digits * 20 for digits in ("aa", "bb", "cc"))


def block(*tx_ids: str) -> FullBlock:
    """A block with these transactions."""
    transactions = [
        {"hash": each, "transactionIndex": hex(index), "value": "0x0", "from": A, "to": B}
        for index, each in enumerate(tx_ids)
    ]
    head = {"number": "0x10", "hash": BLOCK, "parentHash": "0x" + "00" * 32, "timestamp": "0x5"}
    return msgspec.convert({**head, "transactions": transactions}, FullBlock)


def found_in(script: FaultProxy, tracer: Tracer, answer: Any, *tx_ids: str) -> Sequence[Transfer]:
    """What the traces of one block show."""
    script.on_call = lambda _: Answered(answer)
    node = Node(script.url, "script", timeout=5, batch_size=10)
    try:
        return contract_transfers(node, tracer, [block(*(tx_ids or (TX,)))])
    finally:
        node.close()


def frame(kind: str, sender: str, to: str, value: int, *calls: Any, **more: Any) -> dict[str, Any]:
    """One call of geth's callTracer."""
    return {"type": kind, "from": sender, "to": to, "value": hex(value), "calls": list(calls), **more}


def seen(transfers: Sequence[Transfer]) -> list[tuple[str | None, str, int]]:
    """Who paid whom, in lower case."""
    return [(each.sender and each.sender.lower(), each.recipient.lower(), each.amount) for each in transfers]


def test_calls_and_selfdestructs_move_value_in_their_order(script: FaultProxy) -> None:  # F11
    inner = frame("CALL", B, C, 5, frame("SELFDESTRUCT", C, A, 7)), frame("CREATE", B, C, 9)
    transfers = found_in(script, Tracer.CALLS, [{"txHash": TX, "result": frame("CALL", A, B, 21, *inner)}])
    assert seen(transfers) == [(B, C, 5), (C, A, 7), (B, C, 9)]
    assert [each.position for each in transfers] == sorted({each.position for each in transfers})


def test_what_was_undone_moved_nothing(script: FaultProxy) -> None:
    undone = frame("CALL", B, C, 5, frame("CALL", C, A, 5), error="execution reverted")
    top = frame("CALL", A, B, 5, undone, frame("CALL", B, A, 3))
    assert seen(found_in(script, Tracer.CALLS, [{"txHash": TX, "result": top}])) == [(B, A, 3)]
    failed = frame("CALL", A, B, 5, frame("CALL", B, C, 5), error="out of gas")
    assert found_in(script, Tracer.CALLS, [{"txHash": TX, "result": failed}]) == []


@pytest.mark.parametrize("kind", ["DELEGATECALL", "STATICCALL", "CALLCODE"])
def test_calls_that_repeat_a_value_do_not_move_it(script: FaultProxy, kind: str) -> None:
    traced = [{"txHash": TX, "result": frame("CALL", A, B, 5, frame(kind, B, C, 5))}]
    assert found_in(script, Tracer.CALLS, traced) == []


def test_the_deepest_nesting_of_calls_is_read(script: FaultProxy) -> None:
    call = frame("CALL", B, C, 1)
    for _ in range(1_024):
        call = frame("CALL", B, C, 1, call)
    traced = [{"txHash": TX, "result": call}]
    script.on_call = lambda _: Answered(0)
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "result": traced})
    script.on_request = lambda _: Raw(body=body)
    assert len(found_in(script, Tracer.CALLS, None)) == 1_024


def test_a_transaction_that_was_not_traced_stops_the_page(script: FaultProxy) -> None:
    traced = frame("CALL", A, B, 0)
    for answer in (
        [{"txHash": TX, "error": "execution timeout"}],
        [],
        [{"txHash": "0x" + "00" * 32, "result": traced}],
    ):
        with pytest.raises(NodeFault, match="trace"):
            found_in(script, Tracer.CALLS, answer)
    with pytest.raises(NodeFault, match="did not trace every transaction"):
        found_in(script, Tracer.CALLS, [{"result": traced}], TX, "0x" + "dd" * 32)


def test_traces_without_transaction_ids_go_by_their_order(script: FaultProxy) -> None:
    answer = [{"result": frame("CALL", A, B, 0)}, {"result": frame("CALL", A, B, 0, frame("CALL", B, C, 4))}]
    (found,) = found_in(script, Tracer.CALLS, answer, TX, "0x" + "dd" * 32)
    assert (found.tx_id, found.amount) == ("0x" + "dd" * 32, 4)


def flat(kind: str, path: Sequence[int], **action: Any) -> dict[str, Any]:
    """One trace of trace_block."""
    error, result = action.pop("error", None), action.pop("result", None)
    place = {"blockHash": BLOCK, "transactionHash": TX, "transactionPosition": 0, "traceAddress": list(path)}
    return {"type": kind, "action": action, "error": error, "result": result, **place}


def test_flat_traces_show_the_same(script: FaultProxy) -> None:
    call = {"callType": "call", "from": B, "to": C}
    traces = [
        flat("call", [], callType="call", **{"from": A, "to": B, "value": "0x15"}),
        flat("call", [0], **call, value="0x5"),
        flat("suicide", [0, 0], address=C, refundAddress=A, balance="0x7"),
        flat("call", [1], **call, value="0x6", error="Reverted"),
        flat("call", [1, 0], **call, value="0x6"),
        flat("call", [1, 0, 3], **call, value="0x6"),
        flat("call", [2], **{**call, "callType": "delegatecall"}, value="0x6"),
        flat("create", [3], **{"from": B, "value": "0x9"}, result={"address": C, "gasUsed": "0x1"}),
        flat("call", [4], **call, value="0x8"),
        {"type": "reward", "action": {"value": "0x1"}, "blockHash": BLOCK, "traceAddress": []},
    ]
    assert seen(found_in(script, Tracer.FLAT, traces)) == [(B, C, 5), (C, A, 7), (B, C, 9), (B, C, 8)]


def test_both_kinds_of_traces_tell_the_same_transfers_in_the_same_places(script: FaultProxy) -> None:
    call = {"callType": "call", "from": B, "to": C}
    other = "0x" + "dd" * 32
    flat_ones = [
        flat("call", [], callType="call", **{"from": A, "to": B, "value": "0x15"}),
        flat("call", [0], **call, value="0x0"),
        flat("call", [1], **call, value="0x5"),
        flat("create", [2], **{"from": B, "value": "0x9"}, result={"address": A}),
        flat("suicide", [3], address=C, refundAddress=A, balance="0x7"),
        {
            **flat("call", [], callType="call", **{"from": A, "to": B, "value": "0x0"}),
            "transactionHash": other,
            "transactionPosition": 1,
        },
        {**flat("call", [0], **call, value="0x8"), "transactionHash": other, "transactionPosition": 1},
    ]
    inner = (
        frame("CALL", B, C, 0),
        frame("CALL", B, C, 5),
        frame("CREATE", B, A, 9),
        frame("SELFDESTRUCT", C, A, 7),
    )
    nested = [
        {"txHash": TX, "result": frame("CALL", A, B, 21, *inner)},
        {"txHash": other, "result": frame("CALL", A, B, 0, frame("CALL", B, C, 8))},
    ]
    found = found_in(script, Tracer.FLAT, flat_ones, TX, other)
    assert found == found_in(script, Tracer.CALLS, nested, TX, other) and len(found) == 4


def test_flat_traces_of_another_block_or_of_a_part_are_refused(script: FaultProxy) -> None:
    other = {**flat("call", [], callType="call"), "blockHash": "0x" + "aa" * 32}
    for traces in ([other], []):
        with pytest.raises(NodeFault):
            found_in(script, Tracer.FLAT, traces)
