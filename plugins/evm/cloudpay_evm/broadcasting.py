"""Handing signed bytes to nodes, and what they say to them: geth, Erigon, Nethermind, Besu, Reth, BSC, Bor, anvil."""

import re
from collections.abc import Sequence

from cloudpay.chains.nodes.handing import Word, hand_over
from cloudpay.chains.spending import Answer, Broadcast, Signed
from cloudpay_evm.calls import Call
from cloudpay_evm.errors import NodeFault, Refused
from cloudpay_evm.node import Node
from cloudpay_evm.nodes import Nodes
from cloudpay_evm.wire import TEXT

_KNOWN = re.compile(
    r"already[ _]?known|already[ _]?exists|already imported|already in (the )?(mem)?pool|already in the system"
    r"|\bknown transaction",
    re.IGNORECASE,
)
_REJECTED = re.compile(
    r"nonce|underpriced|insufficient|not enough|fee|tip|gas|limit|exceed|too (low|high|large|big|many|short)|full|queue"
    r"|replace|invalid|malformed|reject|not (supported|allowed|permitted)|unsupported|unprotected|replay|chain ?id"
    r"|signature|sender|rlp|decod|pars|transaction type|typed transaction|delegat|authority|blacklist|deny",
    re.IGNORECASE,
)
_OWN_TROUBLE = re.compile(
    r"time(d)?[ -]?out|internal error|unavailable|connection|shutting down|syncing", re.IGNORECASE
)


def broadcast(nodes: Nodes, signed: Sequence[Signed]) -> Sequence[Answer]:
    """Hand bytes to one node, and what it did not take in to the next; a node's silence is UNKNOWN."""
    return hand_over(nodes, signed, _hand)


def _hand(node: Node, signed: Sequence[Signed]) -> list[Word]:
    calls = [Call("eth_sendRawTransaction", ("0x" + each.raw.hex(),), TEXT) for each in signed]
    told = node.try_each(calls)
    return [_word(node, each, answer) for each, answer in zip(signed, told, strict=True)]


def _word(node: Node, signed: Signed, told: str | Refused | NodeFault) -> Word:
    if isinstance(told, NodeFault):
        return told
    if isinstance(told, Refused):
        return Answer(outcome_of(told), told.rpc_message)
    if told.lower() != signed.tx_id:
        return Answer(Broadcast.UNKNOWN, f"it calls the transaction {node.veil.over(told)[:80]}")
    return Answer(Broadcast.ACCEPTED)


def outcome_of(refusal: Refused) -> Broadcast:
    """Say what an error means; words that nobody knows say nothing."""
    said = refusal.rpc_message
    if _KNOWN.search(said):
        return Broadcast.KNOWN
    if _OWN_TROUBLE.search(said):
        return Broadcast.UNKNOWN
    return Broadcast.REJECTED if _REJECTED.search(said) else Broadcast.UNKNOWN
