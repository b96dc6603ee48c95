"""What no chain can have told: hashes, addresses and numbers of another shape are the node's fault."""

from typing import Any

import msgspec
import pytest

from cloudpay_evm.calls import Call, full_block_at, receipt_of
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.wire import AMOUNT, CALL_TRACES, FLAT_TRACES, LOGS

HASH, A, B = "0x" + "cc" * 32, "0x" + "aa" * 20, "0x" + "bb" * 20
PAYS = {"hash": HASH, "transactionIndex": "0x0", "value": "0x1", "from": A, "to": B}
BLOCK = {"number": "0x7", "hash": HASH, "parentHash": HASH, "timestamp": "0x5"}
LOG = {
    "address": A,
    "topics": [],
    "data": "0x",
    "blockHash": HASH,
    "blockNumber": "0x7",
    "transactionHash": HASH,
    "transactionIndex": "0x0",
    "logIndex": "0x0",
}
RECEIPT = {"blockHash": HASH, "blockNumber": "0x7", "gasUsed": "0x5208", "status": "0x1"}
FRAME = {"type": "CALL", "from": A, "to": B, "value": "0x1"}
FLAT = {
    "type": "call",
    "action": {"from": A, "to": B, "value": "0x1", "callType": "call"},
    "blockHash": HASH,
    "transactionHash": HASH,
}
SHAPES: dict[str, tuple[Call[Any], dict[str, Any]]] = {
    "a transaction": (full_block_at(7), PAYS),
    "a log": (Call("eth_getLogs", (), LOGS), LOG),
    "a receipt": (receipt_of(HASH), RECEIPT),
    "a call": (Call("debug_traceBlockByHash", (), CALL_TRACES), FRAME),
    "a trace": (Call("trace_block", (), FLAT_TRACES), FLAT),
}
NO_HASH = (
    "0x" + "CC" * 32,
    "0x" + "cc" * 60,
    "0x" + "cc" * 31,
    "cc" * 32,
    "0x" + "cc" * 31 + "c\0",
    "0x" + "zz" * 32,
    "",
)
NO_ADDRESS = ("0x" + "aa" * 60, "0x" + "aa" * 32, "0x" + "aa" * 19 + "a\0", "0x" + "zz" * 20, "")
NO_NUMBER = ("0x" + "f" * 65, "-0x1", "0x", "1", "0x1_0", "0x1\n")
WRONG: dict[str, dict[str, tuple[str, ...]]] = {
    "a transaction": {"hash": NO_HASH, "from": NO_ADDRESS, "to": NO_ADDRESS, "value": NO_NUMBER,
                      "transactionIndex": (*NO_NUMBER, "0x" + "f" * 9)},
    "a log": {"address": NO_ADDRESS, "blockHash": NO_HASH, "transactionHash": NO_HASH,
              "blockNumber": (*NO_NUMBER, "0x" + "f" * 16), "logIndex": NO_NUMBER},
    "a receipt": {"blockHash": NO_HASH, "blockNumber": NO_NUMBER, "gasUsed": NO_NUMBER},
    "a call": {"from": NO_ADDRESS, "to": NO_ADDRESS, "value": NO_NUMBER},
    "a trace": {"blockHash": NO_HASH, "transactionHash": NO_HASH},
}  # fmt: skip


def told(shape: str, part: dict[str, Any]) -> msgspec.Raw:
    """A whole answer around one part."""
    whole: Any = {
        "a transaction": {**BLOCK, "transactions": [part]},
        "a log": [part],
        "a receipt": part,
        "a call": [{"txHash": HASH, "result": part}],
        "a trace": [part],
    }[shape]
    return msgspec.Raw(msgspec.json.encode(whole))


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_of_the_standards_shape_is_read(shape: str) -> None:
    call, part = SHAPES[shape]
    assert call.read(told(shape, part))


@pytest.mark.parametrize(
    ("shape", "key"), [(shape, key) for shape, keys in WRONG.items() for key in keys], ids=str
)
def test_f41_an_answer_whose_lengths_or_digits_are_impossible_is_the_nodes_fault(
    shape: str, key: str
) -> None:
    call, part = SHAPES[shape]
    for wrong in WRONG[shape][key]:
        with pytest.raises(NodeFault, match="another shape"):
            call.read(told(shape, {**part, key: wrong}))


def test_a_balance_has_at_most_32_bytes() -> None:
    asked: Call[str] = Call("eth_getBalance", (), AMOUNT)
    assert int(asked.read(msgspec.Raw(b'"0x' + b"f" * 64 + b'"')), 16) == 2**256 - 1
    for wrong in NO_NUMBER:
        with pytest.raises(NodeFault):
            asked.read(msgspec.Raw(msgspec.json.encode(wrong)))
