"""Calls of TRON's HTTP API and the answers to them."""

import re
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from cloudpay.chains.nodes.faults import AskedTooOften, NodeFault
from cloudpay_tron.errors import Refused
from cloudpay_tron.forms import to_hex
from cloudpay_tron.wire import (
    Account,
    Block,
    Blocks,
    ChainParameters,
    Info,
    Known,
    Resources,
    Told,
    Trial,
)

Answer = TypeVar("Answer")

_OVERLOADED = re.compile(
    r"rate.?limit|too many requests|request limit|frequency|quota|throttl|exceeds|overload|try again later|lack of"
    r" comput|suspended|reject",
    re.IGNORECASE,
)

_SUSPENDED = re.compile(r"suspended for ([0-9]{1,6}) ?s\b")
"""How TronGrid says when to ask again, where there is no Retry-After."""


class _Error(msgspec.Struct):
    """What a node, or its host, answers when it does not carry out a call."""

    told: Any = msgspec.field(name="Error", default=None)
    hosts: Any = msgspec.field(name="error", default=None)


_ERROR = msgspec.json.Decoder(_Error)
_EMPTY = re.compile(rb"\s*\{\s*\}\s*")


def own_error(content: bytes) -> Any:
    """Answer what java-tron says under `Error`, and None where it says nothing there."""
    try:
        return _ERROR.decode(content).told
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """A path with its parameters, and what its answer is read as.

    `nothing` is what `{}` means, java-tron's word for what is not there; where it is None, `{}` is no answer. Any other
    object must have what `answers` requires: a host's own words, as `{"message": …}`, are never read as an absence.
    """

    path: str
    answers: type[Answer]
    parameters: dict[str, Any] = field(default_factory=dict)
    nothing: Answer | None = None

    def read(self, content: bytes) -> Answer:
        """Read an answer; raises `Refused`, or `NodeFault` when it has another shape or says that it is overloaded."""
        self._hold_error(content)
        if self.nothing is not None and _EMPTY.fullmatch(content):
            return self.nothing
        try:
            return msgspec.json.decode(content, type=self.answers)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NodeFault(f"its answer to {self.path} has another shape than TRON's ({error})") from error

    def _hold_error(self, content: bytes) -> None:
        if content.lstrip()[:1] != b"{":
            return
        try:
            found = _ERROR.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NodeFault(f"it answered {self.path} with something else than JSON ({error})") from error
        told = found.told if found.told is not None else found.hosts
        if told is None:
            return
        if _OVERLOADED.search(str(told)):
            wish = _SUSPENDED.search(str(told))
            seconds = float(wish[1]) if wish else None
            raise AskedTooOften(f"it is limited or overloaded ({str(told)[:120]})", seconds)
        raise Refused(self.path, str(told))


def header(at: int | None = None, *, solid: bool = False) -> Call[Block]:
    """Ask for a block without its transactions: at a height, or the newest (of all, or of the solid ones)."""
    where = {} if at is None else {"id_or_num": str(at)}
    path = "walletsolidity/getblock" if solid else "wallet/getblock"
    return Call(path, Block, {**where, "detail": False}, Block(""))


def blocks(first: int, last: int) -> Call[Blocks]:
    """Ask for blocks with their transactions, both ends included."""
    return Call("wallet/getblockbylimitnext", Blocks, {"startNum": first, "endNum": last + 1}, Blocks(()))


def infos(height: int) -> Call[tuple[Info, ...]]:
    """Ask for the results of all transactions of a block."""
    return Call("wallet/gettransactioninfobyblocknum", tuple[Info, ...], {"num": height})


def info(tx_id: str) -> Call[Info]:
    """Ask for the result of a transaction; without an id there is none."""
    return Call("wallet/gettransactioninfobyid", Info, {"value": tx_id}, Info(""))


def waiting(tx_id: str) -> Call[Known]:
    """Ask whether a transaction waits."""
    return Call("wallet/gettransactionfrompending", Known, {"value": tx_id}, Known(""))


def account(address: str, *, solid: bool = False) -> Call[Account]:
    """Ask for an account."""
    path = "walletsolidity/getaccount" if solid else "wallet/getaccount"
    return Call(path, Account, {"address": to_hex(address)}, Account(""))


def resources(address: str) -> Call[Resources]:
    """Ask what an account may use for nothing."""
    return Call("wallet/getaccountresource", Resources, {"address": to_hex(address)}, Resources(0))


def trial(owner: str, contract: str | None, data: bytes, *, solid: bool = False) -> Call[Trial]:
    """Ask what a call would do, or without a contract what a deployment would, without a transaction."""
    path = "walletsolidity/triggerconstantcontract" if solid else "wallet/triggerconstantcontract"
    asked = {"owner_address": to_hex(owner), "data": data.hex()}
    return Call(path, Trial, {**asked, "contract_address": to_hex(contract)} if contract else asked)


PARAMETERS: Call[ChainParameters] = Call("wallet/getchainparameters", ChainParameters)


def broadcast(raw: bytes) -> Call[Told]:
    """Hand over a signed transaction."""
    return Call("wallet/broadcasthex", Told, {"transaction": raw.hex()})
