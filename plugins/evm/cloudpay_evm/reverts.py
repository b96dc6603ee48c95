"""Why a contract refused, in words: what Solidity puts into the data of a revert, or what the node says of it."""

import re

from cloudpay_evm import erc20
from cloudpay_evm.errors import NodeFault, Refused
from cloudpay_evm.wire import octets

_ERROR = bytes.fromhex("08c379a0")  # Error(string): Solidity, "Error handling"
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256): the same
_PREFIX = re.compile(r"^.*?revert(ed)?[:,]?\s*", re.IGNORECASE)
_REVERTED = 3  # geth's code for an execution that reverted
_FAILED = re.compile(
    r"revert|invalid opcode|out of gas|gas required exceeds|EVM error|VM execution|invalid jump|stack (over|under)flow",
    re.IGNORECASE,
)
_LONGEST = 200


def would_fail(refusal: Refused) -> bool:
    """Say whether it is the transaction that would fail: everything else is the node's own trouble."""
    return refusal.rpc_code == _REVERTED or bool(_FAILED.search(refusal.rpc_message))


def reason(refusal: Refused) -> str:
    """Say why, for people; what a stranger's contract wrote is cut to what can be shown."""
    told = _from_data(refusal.data) or _PREFIX.sub("", refusal.rpc_message) or "it gives no reason"
    shown = "".join(each for each in told if each.isprintable())
    return f"it would be reverted: {shown[:_LONGEST]}"


def _from_data(data: str) -> str | None:
    try:
        given = octets(data)
    except NodeFault:
        return None  # some nodes put words there
    selector, rest = given[:4], given[4:].hex()
    if selector == _ERROR:
        return erc20.text(rest, _LONGEST)
    if selector == _PANIC:
        return f"panic {erc20.unsigned(rest) or 0:#x}"
    return f"the contract's own error 0x{selector.hex()}" if len(selector) == len(_ERROR) else None
